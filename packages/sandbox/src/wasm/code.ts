/**
 * The instructions of a WebAssembly function, as far as passing over them needs: how long each is,
 * and which of them open a block, end one, return, loop, or work on memory in bulk.
 *
 * The set is what the engine's module uses (WebAssembly 1.0 with sign extension, saturating
 * conversion, bulk memory and reference types). Another instruction is a defect, not a guess.
 */
import { invariant } from '@ice/primitives'
import type { ByteReader } from './bytes.ts'

export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  br: 0x0c,
  return: 0x0f,
  call: 0x10,
  localGet: 0x20,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Const: 0x41,
  i64Const: 0x42,
  i32LtS: 0x48,
  i64LtS: 0x53,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32ShrU: 0x76,
  i64Sub: 0x7d,
  i64ExtendI32U: 0xad,
  prefixed: 0xfc,
} as const

/** What an instruction is, to one who meters. */
export type Kind = 'plain' | 'opens' | 'loop' | 'ends' | 'returns' | 'bulk'

/** Reads one instruction, its immediates included. */
export function readInstruction(code: ByteReader): Kind {
  const op = code.byte()
  switch (op) {
    case OP.block:
    case OP.if:
      code.skipInteger()
      return 'opens'
    case OP.loop:
      code.skipInteger()
      return 'loop'
    case OP.end:
      return 'ends'
    case OP.return:
      return 'returns'
    case OP.prefixed:
      return readPrefixed(code)
    default:
      skipImmediates(op, code)
      return 'plain'
  }
}

/** Opcodes by how many integers follow them. */
function skipImmediates(op: number, code: ByteReader): void {
  if (op === 0x43) return code.skip(4)
  if (op === 0x44) return code.skip(8)
  if (op === 0x0e) return skipTargets(code)
  if (op === 0x1c) return code.skip(code.u32())
  const integers = integersAfter(op)
  for (let left = integers; left > 0; left -= 1) code.skipInteger()
}

function integersAfter(op: number): number {
  if (op <= 0x01 || op === 0x05 || op === 0x1a || op === 0x1b) return 0
  if (op === OP.br || op === 0x0d || op === OP.call) return 1
  if (op === 0x11) return 2
  if (op >= 0x20 && op <= 0x26) return 1
  if (op >= 0x28 && op <= 0x3e) return 2
  if (op >= 0x3f && op <= OP.i64Const) return 1
  if (op >= 0x45 && op <= 0xc4) return 0
  if (op === 0xd0 || op === 0xd2) return 1
  invariant(op === 0xd1, `the module has an instruction that is not known: ${op}`)
  return 0
}

function skipTargets(code: ByteReader): void {
  for (let left = code.u32() + 1; left > 0; left -= 1) code.skipInteger()
}

function readPrefixed(code: ByteReader): Kind {
  const op = code.u32()
  // Saturating conversions have no immediates.
  if (op <= 7) return 'plain'
  invariant(op <= 17, `the module has an instruction that is not known: 0xfc ${op}`)
  const one = op === 9 || op === 11 || op === 13 || (op >= 15 && op <= 17)
  for (let left = one ? 1 : 2; left > 0; left -= 1) code.skipInteger()
  const isBulk = op === 8 || op === 10 || op === 11 || op === 12 || op === 14 || op === 17
  return isBulk ? 'bulk' : 'plain'
}
