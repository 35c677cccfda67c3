/** The process that is given too little: makes one case, and ends with 0 when it held. */
import { openSync } from 'node:fs'
import { type ExhaustJob, handOf } from './log-exhaust-hand.ts'
import { HEAP_CASES } from './log-exhaust-heap.ts'
import { DESCRIPTOR_CASES, DISK_CASES } from './log-exhaust-system.ts'

const job = JSON.parse(process.argv[2] ?? '{}') as ExhaustJob
const make = { ...HEAP_CASES, ...DESCRIPTOR_CASES, ...DISK_CASES }[job.name]
if (make === undefined) throw new TypeError(`there is no case ${job.name}`)
await make(handOf(job, openSync(job.witness, 'a')))
