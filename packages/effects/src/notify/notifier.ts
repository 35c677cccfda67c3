/** Tells a person something. */

/** What a person is told. */
export interface Notice {
  /** The same for every attempt of an effect, and for no other. */
  readonly key: string
  readonly title: string
  readonly text: string
  readonly level: 'info' | 'warning' | 'urgent'
}

/** What became of it. */
export interface Notified {
  /** How it was shown, as auditors read it: `terminal`. */
  readonly by: string
  /** Whether a notice of this key had been shown before, and was not shown again. */
  readonly repeated: boolean
}

/** Tells a person something. Implementations outside: nothing here depends on which one it is. */
export interface Notifier {
  readonly supports: {
    /** Whether a key that was shown is known for ever, also after this process has ended. */
    readonly once: boolean
  }
  /**
   * Shows a notice. One whose key it knows to have been shown is not shown again.
   *
   * @throws `ICE_EFFECTS_NOTICE_UNAVAILABLE` — it was not shown
   */
  notify(notice: Notice, options: { readonly signal: AbortSignal }): Promise<Notified>
}
