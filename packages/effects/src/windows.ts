/** Names that Windows reads as something else than a file of that name. */

import { isLiteral } from './names.ts'

const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:[.:]|$)/iu
const RESERVED = /[<>:"|?*]|\p{Cc}/u

/** Why Windows would not open the file of this name, or `undefined`. Pure. */
export function windowsNameFault(name: string): string | undefined {
  if (DEVICE.test(name)) return 'A name on the way names a device of Windows'
  if (RESERVED.test(name)) return 'A name on the way holds a character that Windows reserves'
  if (/[. ]$/.test(name)) return 'A name on the way ends in what Windows drops: a dot or a space'
  return isLiteral(name) ? undefined : 'A name on the way is escaped; Windows has no such names'
}
