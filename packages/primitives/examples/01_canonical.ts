/** Reads hostile JSON, writes it canonically, hashes it, and tells a failure by its code. */
import {
  canonicalize,
  createIds,
  hasCode,
  leafHash,
  parseStrict,
  streamId,
  systemClock,
  systemRandom,
} from '@ice/primitives'

const ids = createIds({ clock: systemClock, random: systemRandom })
console.log(streamId(`run/${ids.nextRunId()}`)) // run/01a1fd46-a947-7558-94b6-fab1088bc1af

const value = parseStrict('{ "b": [1.0, "\\u00e9"], "a": null }')
const text = canonicalize(value)
console.log(text) // {"a":null,"b":[1,"é"]}
console.log(leafHash(text)) // 33fad206…, the same on every machine

try {
  parseStrict('{"role":"user","r\\u006fle":"admin"}')
} catch (error) {
  console.log(hasCode(error, 'ICE_PRIMITIVES_JSON_UNSUPPORTED')) // true: a key stands twice
}
