/** Lists as JSON: one array with `--json`, one value a line with `--jsonl`. */
import type { Invocation } from '../invocation.ts'
import { jsonText } from './text.ts'

/** Writes values as they come: a list may be longer than memory. */
export async function writeList(
  { format, out }: Pick<Invocation, 'format' | 'out'>,
  values: AsyncIterable<unknown> | Iterable<unknown>,
): Promise<void> {
  let written = 0
  if (format === 'json') await out.write('[')
  for await (const value of values) {
    if (out.closed) return
    const text = jsonText(value)
    await out.write(format === 'jsonl' ? `${text}\n` : `${written === 0 ? '\n' : ',\n'}${text}`)
    written += 1
  }
  if (format === 'json') await out.write(written === 0 ? ']\n' : '\n]\n')
}
