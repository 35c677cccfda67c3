/** Every bound of notifications, with its unit and its reason. */

/** @units characters of a title: one line. */
export const NOTICE_TITLE_CHARS_MAX = 120

/** @units characters of the text of a notification: a few lines; more belongs in a file. */
export const NOTICE_TEXT_CHARS_MAX = 2_000

/** @units characters that the terminal shows of one notification, title and text together. */
export const NOTICE_SHOWN_CHARS_MAX = 1_000

/** @units keys a terminal remembers, so as not to show again what it has shown. */
export const NOTICE_KEYS_MAX = 10_000
