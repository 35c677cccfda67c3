/** The processor store in memory, with notes as effects. */
import type { ProcessorSubject } from '../../src/contract/index.ts'
import {
  type MemoryProcessorStore,
  type MemoryTransaction,
  memoryProcessorStore,
} from '../../src/projections/memory.ts'

/** A store and its notes: how often each was made. */
export function memorySubject(
  store: MemoryProcessorStore = memoryProcessorStore(),
): ProcessorSubject<MemoryTransaction> {
  return {
    store,
    note(transaction, text) {
      transaction.set(text, Number(transaction.get(text) ?? 0) + 1)
    },
    async notes() {
      return [...store.table]
        .flatMap(([text, times]) => Array.from({ length: Number(times) }, () => text))
        .toSorted()
    },
  }
}
