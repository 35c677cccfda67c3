/**
 * Puts a meter into a WebAssembly module: every way to run on, or to go deeper, is charged for.
 *
 *   every call of a function, every turn of a loop          1 unit of fuel
 *   every bulk operation on memory                          1 unit for 16 bytes (or entries)
 *   every function that is running                          its frame, from the stack allowance
 *
 * 1. A module that has the meter computes what it computed without it, until the meter ends it: a
 *    trap (`unreachable`), which nothing inside can catch. The instance is of no use afterwards.
 * 2. Between two charges runs at most one function's straight code, so fuel bounds time on every
 *    machine, in whatever the code is doing: its interpreter, a regular expression, a sort of an
 *    array that claims 2^53 entries, the collector.
 * 3. Charges are counted by the module itself: no clock, no host, no tier of a compiler has a part
 *    in it. The same calls with the same bytes end at the same unit everywhere.
 * 4. The frame of a function is counted by its parameters and locals. It is charged so that the
 *    module's own allowance ends before the host's stack does, whose size nobody can rely on.
 *
 * The trap this closes: the interrupt callback of an interpreter, which is asked between bytecodes
 * and never within the native function that one bytecode calls.
 */
import { invariant } from '@ice/primitives'
import { ByteReader, ByteWriter } from './bytes.ts'
import { OP, readInstruction } from './code.ts'

/** The names under which the meter's globals are exported. */
export const FUEL_EXPORT = 'ice_fuel'
export const STACK_EXPORT = 'ice_stack'

/** Of a frame: what a function needs beside its locals. @units bytes */
const FRAME_BYTES = 96
/** Of a frame: one parameter or local. @units bytes */
const LOCAL_BYTES = 8
/** One unit of fuel for so many bytes of a bulk operation, as a power of two. */
const BULK_SHIFT = 4

const SECTION = { type: 1, import: 2, function: 3, memory: 5, global: 6, export: 7, code: 10 }
const TYPE = { func: 0x60, i32: 0x7f, i64: 0x7e, empty: 0x40 }

export interface MeterOptions {
  /** The largest memory an instance can have. @units pages of 65,536 bytes */
  readonly pagesMax: number
  /** The exports to keep: an instance costs what it exports, and the rest is of no use. */
  readonly exports: ReadonlySet<string>
}

/** What the sections say that the code needs. */
interface Shape {
  /** Result and parameter count of each type. */
  readonly types: readonly { readonly parameters: number; readonly results: Uint8Array }[]
  readonly imported: { readonly functions: number; readonly globals: number }
  /** The type of each function of the module's own. */
  readonly functions: readonly number[]
  readonly globals: number
}

/** The indices of what the meter adds. */
interface Meter {
  readonly fuel: number
  readonly stack: number
  /** The function that charges a bulk operation by its length, and gives the length back. */
  readonly bulk: number
}

interface Section {
  readonly id: number
  readonly body: Uint8Array
}

/** The same module with a meter. Its instances start with no fuel and no stack. */
export function metered(module: Uint8Array, options: MeterOptions): Uint8Array {
  const sections = [...readSections(module)]
  const shape = readShape(sections)
  const meter: Meter = {
    fuel: shape.imported.globals + shape.globals,
    stack: shape.imported.globals + shape.globals + 1,
    bulk: shape.imported.functions + shape.functions.length,
  }
  const out = new ByteWriter(module.length * 2).write(module.subarray(0, 8))
  for (const { id, body } of sections) {
    // What is told about the code (names, producers) holds no longer, and nobody asks.
    if (id !== 0) out.byte(id).vector(rewritten({ id, body }, { shape, meter, options }))
  }
  return out.bytes
}

interface Plan {
  readonly shape: Shape
  readonly meter: Meter
  readonly options: MeterOptions
}

function rewritten({ id, body }: Section, { shape, meter, options }: Plan): Uint8Array {
  switch (id) {
    case SECTION.type:
      return extended(body, 1, new ByteWriter().write([TYPE.func, 1, TYPE.i32, 1, TYPE.i32]))
    case SECTION.function:
      return extended(body, 1, new ByteWriter().u32(shape.types.length))
    case SECTION.memory:
      return boundMemory(body, options.pagesMax)
    case SECTION.global: {
      const zero = [OP.i64Const, 0, OP.end]
      const none = [OP.i32Const, 0, OP.end]
      return extended(body, 2, new ByteWriter().write([TYPE.i64, 1, ...zero, TYPE.i32, 1, ...none]))
    }
    case SECTION.export:
      return keptExports(body, meter, options.exports)
    case SECTION.code:
      return meteredCode(body, shape, meter)
    default:
      return body
  }
}

function* readSections(module: Uint8Array): Iterable<Section> {
  const reader = new ByteReader(module, 8)
  while (!reader.done) {
    const id = reader.byte()
    yield { id, body: reader.take(reader.u32()) }
  }
}

function readShape(sections: readonly Section[]): Shape {
  const of = (id: number): ByteReader => {
    const section = sections.find((candidate) => candidate.id === id)
    invariant(section !== undefined, `the module has a section ${id}`)
    return new ByteReader(section.body)
  }
  const types = listOf(of(SECTION.type), (reader) => {
    invariant(reader.byte() === TYPE.func, 'a type is a function type')
    const parameters = reader.u32()
    reader.skip(parameters)
    return { parameters, results: reader.take(reader.u32()) }
  })
  const imports = listOf(of(SECTION.import), readImport)
  const functions = listOf(of(SECTION.function), (reader) => reader.u32())
  const count = (kind: number): number => imports.filter((each) => each === kind).length
  return {
    types,
    imported: { functions: count(0), globals: count(3) },
    functions,
    globals: countGlobals(of(SECTION.global)),
  }
}

/** The module's own globals: all that can change is the stack pointer. */
function countGlobals(reader: ByteReader): number {
  const mutable = listOf(reader, (each) => {
    each.skip(1)
    const isMutable = each.byte() === 1
    while (readInstruction(each) !== 'ends');
    return isMutable
  })
  invariant(mutable.filter(Boolean).length === 1, 'the module has one global that can change')
  return mutable.length
}

/** The kind of one import. The module imports functions alone; the rest would need more reading. */
function readImport(reader: ByteReader): number {
  reader.skip(reader.u32())
  reader.skip(reader.u32())
  const kind = reader.byte()
  invariant(kind === 0, 'the module imports functions and nothing else')
  reader.u32()
  return kind
}

function listOf<T>(reader: ByteReader, read: (reader: ByteReader) => T): readonly T[] {
  return Array.from({ length: reader.u32() }, () => read(reader))
}

/** A list with entries added at its end: no index of what was there changes. */
function extended(body: Uint8Array, more: number, entries: ByteWriter): Uint8Array {
  const reader = new ByteReader(body)
  const count = reader.u32()
  const rest = body.subarray(reader.at)
  return new ByteWriter(body.length + 64)
    .u32(count + more)
    .write(rest)
    .write(entries.bytes).bytes
}

function keptExports(body: Uint8Array, meter: Meter, names: ReadonlySet<string>): Uint8Array {
  const entries = listOf(new ByteReader(body), (reader) => {
    const from = reader.at
    const name = new TextDecoder().decode(reader.take(reader.u32()))
    reader.byte()
    reader.u32()
    return { name, bytes: body.subarray(from, reader.at) }
  })
  const kept = entries.filter(({ name }) => names.has(name))
  invariant(kept.length === names.size, 'the module exports what is to be kept')
  const out = new ByteWriter(body.length).u32(kept.length + 2)
  for (const { bytes } of kept) out.write(bytes)
  out.text(FUEL_EXPORT).byte(3).u32(meter.fuel)
  return out.text(STACK_EXPORT).byte(3).u32(meter.stack).bytes
}

function boundMemory(body: Uint8Array, pagesMax: number): Uint8Array {
  const reader = new ByteReader(body)
  invariant(reader.u32() === 1, 'the module has one memory')
  reader.byte()
  const pages = reader.u32()
  invariant(pages <= pagesMax, 'the memory starts within its bound')
  return new ByteWriter().u32(1).byte(1).u32(pages).u32(pagesMax).bytes
}

function meteredCode(body: Uint8Array, shape: Shape, meter: Meter): Uint8Array {
  const reader = new ByteReader(body)
  const out = new ByteWriter(body.length * 2).u32(reader.u32() + 1)
  for (const type of shape.functions) {
    const size = reader.u32()
    const code = new ByteReader(body, reader.at, reader.at + size)
    reader.skip(size)
    const { parameters, results } = shape.types[type] ?? missingType()
    invariant(results.length <= 1, 'a function has one result at most')
    out.vector(meteredFunction(code, { meter, parameters, result: results[0] ?? TYPE.empty }))
  }
  return out.vector(bulkCharge(meter)).bytes
}

function missingType(): never {
  invariant(false, 'a function has a type of the module')
}

interface FunctionPlan {
  readonly meter: Meter
  readonly parameters: number
  readonly result: number
}

/**
 * `body` becomes `charge; block body end; give the frame back`. A `return` becomes a branch to the
 * end of that block, so that there is one way out; a branch out of the function leaves the block.
 */
function meteredFunction(code: ByteReader, plan: FunctionPlan): Uint8Array {
  const { meter, parameters, result } = plan
  const from = code.at
  const locals = listOf(code, (each) => {
    const count = each.u32()
    each.byte()
    return count
  })
  const slots = locals.reduce((sum, count) => sum + count, parameters)
  const frame = FRAME_BYTES + LOCAL_BYTES * slots
  const out = new ByteWriter((code.end - from) * 2)
  out.write(code.bytes.subarray(from, code.at))
  writeFrame(out, meter, OP.i32Sub, frame)
  out.write([OP.globalGet]).u32(meter.stack)
  out.write([OP.i32Const, 0, OP.i32LtS, OP.if, TYPE.empty, OP.unreachable, OP.end])
  writeCharge(out, meter)
  out.write([OP.block, result])
  writeBody(code, out, meter)
  writeFrame(out, meter, OP.i32Add, frame)
  return out.byte(OP.end).bytes
}

function writeBody(code: ByteReader, out: ByteWriter, meter: Meter): void {
  for (let depth = 0; depth >= 0; ) {
    const from = code.at
    const kind = readInstruction(code)
    if (kind === 'returns') {
      out.byte(OP.br).u32(depth)
      continue
    }
    if (kind === 'bulk') out.byte(OP.call).u32(meter.bulk)
    out.write(code.bytes.subarray(from, code.at))
    if (kind === 'opens' || kind === 'loop') depth += 1
    if (kind === 'ends') depth -= 1
    if (kind === 'loop') writeCharge(out, meter)
  }
  invariant(code.done, 'a function ends with its last block')
}

function writeFrame(out: ByteWriter, { stack }: Meter, operation: number, frame: number): void {
  out.byte(OP.globalGet).u32(stack).byte(OP.i32Const).signed(frame).byte(operation)
  out.byte(OP.globalSet).u32(stack)
}

function writeCharge(out: ByteWriter, { fuel }: Meter): void {
  out.byte(OP.globalGet).u32(fuel).write([OP.i64Const, 1, OP.i64Sub, OP.globalSet]).u32(fuel)
  out.byte(OP.globalGet).u32(fuel)
  out.write([OP.i64Const, 0, OP.i64LtS, OP.if, TYPE.empty, OP.unreachable, OP.end])
}

/** `(length) => length`, which charges for it. */
function bulkCharge({ fuel }: Meter): Uint8Array {
  const out = new ByteWriter().byte(0)
  out.byte(OP.globalGet).u32(fuel)
  out.write([OP.localGet, 0, OP.i32Const, BULK_SHIFT, OP.i32ShrU, OP.i64ExtendI32U, OP.i64Sub])
  out.byte(OP.globalSet).u32(fuel)
  out.byte(OP.globalGet).u32(fuel)
  out.write([OP.i64Const, 0, OP.i64LtS, OP.if, TYPE.empty, OP.unreachable, OP.end])
  return out.write([OP.localGet, 0, OP.end]).bytes
}
