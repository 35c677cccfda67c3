/**
 * The instructions of a WebAssembly function, as far as passing over them needs: how long each is,
 * and which of them open a block, end one, return, loop, or work on memory in bulk.
 *
 * The set is what the engine's module uses (WebAssembly 1.0 with sign extension, saturating
 * conversion, and the two bulk operations on memory). Another instruction is a defect, not a guess.
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

function skipImmediates(op: number, code: ByteReader): void {
  if (op === 0x43) code.skip(4)
  else if (op === 0x44) code.skip(8)
  else if (op === 0x1c) code.skip(code.u32())
  else for (let left = integersAfter(op, code); left > 0; left -= 1) code.skipInteger()
}

function integersAfter(op: number, code: ByteReader): number {
  // A table of branches: as many targets as it says, and one more.
  if (op === 0x0e) return code.u32() + 1
  if (op <= 0x01 || op === 0x05 || op === 0x1a || op === 0x1b) return 0
  if (op === OP.br || op === 0x0d || op === OP.call) return 1
  if (op === 0x11) return 2
  if (op >= 0x20 && op <= 0x25) return 1
  if (op >= 0x28 && op <= 0x3e) return 2
  if (op >= 0x3f && op <= OP.i64Const) return 1
  if (op >= 0x45 && op <= 0xc4) return 0
  invariant(false, `the module has an instruction that is not known: ${op}`)
}

function readPrefixed(code: ByteReader): Kind {
  const op = code.u32()
  // Saturating conversions have no immediates.
  if (op <= 7) return 'plain'
  // Tables and segments do not change: memory and globals are all of an instance's state.
  const isBulk = op === 10 || op === 11
  invariant(isBulk, `the module has an instruction that is not known: 0xfc ${op}`)
  for (let left = op === 10 ? 2 : 1; left > 0; left -= 1) code.skipInteger()
  return 'bulk'
}
