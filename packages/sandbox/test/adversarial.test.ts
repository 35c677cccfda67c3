/** What a guest can try: each attempt by name, and what becomes of it. */
import { describe, expect, it } from 'vitest'
import { context, evaluated, guest, outcomeOf } from './world.ts'

/** Small enough that an attempt is over soon, large enough for what is honest here. */
const limits = { fuel: 60_000_000, memoryBytes: 16 * 1_048_576 }

const FUEL = { code: 'ICE_SANDBOX_FUEL_LIMIT' }
const MEMORY = { code: 'ICE_SANDBOX_MEMORY_LIMIT' }
const STACK = { code: 'ICE_SANDBOX_STACK_LIMIT' }
const FAILED = { code: 'ICE_SANDBOX_GUEST_FAILED' }
const REFUSED = { code: 'ICE_SANDBOX_VALUE_UNSUPPORTED' }
const TOO_LARGE = { code: 'ICE_SANDBOX_VALUE_LIMIT' }

type Attempt = readonly [name: string, source: string, becomes: unknown]

/** Verifies: SBX-R01 */
describe('a way out', () => {
  const attempts: readonly Attempt[] = [
    [
      'a global of the host',
      'typeof process + typeof require + typeof fetch',
      { value: 'undefined'.repeat(3) },
    ],
    [
      'timers',
      '[typeof setTimeout, typeof setImmediate, typeof setInterval].join()',
      { value: 'undefined,undefined,undefined' },
    ],
    [
      'a console',
      'typeof console + typeof print + typeof navigator',
      { value: 'undefined'.repeat(3) },
    ],
    ['WebAssembly', 'typeof WebAssembly', { value: 'undefined' }],
    [
      'the constructor of a function',
      '(() => 1).constructor("return typeof process")()',
      { value: 'undefined' },
    ],
    [
      'the constructor of an async function',
      '(async () => 1).constructor("return process").name',
      { value: 'anonymous' },
    ],
    [
      'indirect eval',
      '(0, eval)("typeof process + this.constructor.name")',
      { value: 'undefinedObject' },
    ],
    ['Function in a string', 'Function("return this")() === globalThis', { value: true }],
    [
      'the constructor of a global it was given',
      'given.constructor.constructor("return typeof process")()',
      { value: 'undefined' },
    ],
    [
      'the prototype of a value it was given',
      'Object.getPrototypeOf(given) === Object.prototype',
      { value: true },
    ],
    [
      '__proto__ of a value it was given',
      '({}).__proto__.polluted = 1; given.polluted',
      { value: 1 },
    ],
    ['a static import', 'import fs from "node:fs"; fs', FAILED],
    ['a dynamic import', 'import("node:fs")', REFUSED],
    ['the caller of a function', '(function f() { return f.caller })()', FAILED],
    ['arguments.callee', '(function () { return arguments.callee })()', FAILED],
    [
      'the frames of its stack',
      'Error.prepareStackTrace = (e, frames) => frames.length > 0 && typeof ' +
        'frames[0].getThis; String(new Error("x").stack)',
      { value: 'undefined' },
    ],
    ['shared memory', 'typeof SharedArrayBuffer + typeof Atomics', { value: 'undefinedundefined' }],
    [
      'shared memory by its kin',
      'Object.getOwnPropertyNames(globalThis).filter((n) => ' +
        '/Shared|Atomics|WeakRef|Finaliz|perform/.test(n)).length',
      { value: 0 },
    ],
    [
      'garbage it can see',
      'typeof WeakRef + typeof FinalizationRegistry',
      { value: 'undefinedundefined' },
    ],
    ['a clock of the machine', 'Date.now() + new Date().getTime()', { value: 0 }],
    ['a time zone', 'new Date(0).toString().includes("GMT+0000")', { value: true }],
    ['randomness of the machine', 'Math.random()', { code: 'ICE_SANDBOX_RANDOM_UNSUPPORTED' }],
    [
      'randomness by another way',
      'Object.getOwnPropertyDescriptor(Math, "random").value()',
      { code: 'ICE_SANDBOX_RANDOM_UNSUPPORTED' },
    ],
    [
      'the bridge by the global scope',
      'typeof host + typeof bridge + typeof settle',
      { value: 'undefined'.repeat(3) },
    ],
    [
      'a locale',
      '(1234.5).toLocaleString("de") + "ä".localeCompare("z", "sv") + typeof Intl',
      { value: '1234.51undefined' },
    ],
  ]
  it.each(attempts)('by %s leads nowhere', (_name, source, becomes) => {
    expect(evaluated(source, { limits, globals: { given: { a: 1 } } })).toEqual(becomes)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

/** Verifies: SBX-R03 */
describe('time without end', () => {
  const attempts: readonly Attempt[] = [
    ['a loop', 'while (true);', FUEL],
    ['a loop that catches', 'for (;;) { try { for (;;); } catch {} finally { continue } }', FUEL],
    ['a regular expression that backtracks', '/^(a+)+$/.test("a".repeat(64) + "b")', FUEL],
    [
      'a search through an array that claims to be long',
      'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
      FUEL,
    ],
    ['a join of one', 'Array.prototype.join.call({ length: 2 ** 53 - 1 })', FUEL],
    ['a sparse array', 'const a = []; a[2 ** 32 - 2] = 1; a.includes(2)', FUEL],
    ['large integers', 'let b = 3n; for (;;) b = (b * b) % (2n ** 60000n)', FUEL],
    ['a power of large integers', 'let b = 7n ** 100000n; for (;;) b.toString()', FUEL],
    ['filling memory', 'const a = new Uint8Array(8e6); for (;;) a.fill(1)', FUEL],
    ['copying memory', 'const a = new Uint8Array(4e6); for (;;) a.copyWithin(1, 0)', FUEL],
    [
      'sorting with a comparison that lies',
      'const a = Array.from({ length: 5e4 }, (_, i) => i); for (;;) a.sort(() => 1)',
      FUEL,
    ],
    ['a getter that runs on', '({ get x() { for (;;); } }).x', FUEL],
    [
      'a proxy of its result',
      'new Proxy([], { get: (t, k) => (k === "length" ? Infinity : 1) })',
      TOO_LARGE,
    ],
    [
      'a result that grows as it is read',
      'const p = new Proxy({}, { ownKeys: () => { for (;;); } }); p',
      FUEL,
    ],
    ['a generator', 'for (const x of (function* () { for (;;) yield 1 })());', FUEL],
    [
      'an iterator spread',
      '[...{ [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) }]',
      FUEL,
    ],
    ['replacing in a long text', 'for (;;) "ab".repeat(1e5).replaceAll("a", "c")', FUEL],
    ['normalising', 'for (;;) "\\u1e9b\\u0323".repeat(1e4).normalize("NFKD")', FUEL],
    ['its own error', 'throw { get name() { for (;;); }, get message() { for (;;); } }', FUEL],
  ]
  it.each(attempts)('in %s ends with the fuel', (_name, source, becomes) => {
    expect(evaluated(source, { limits })).toEqual(becomes)
  })

  const waiting: readonly Attempt[] = [
    ['promises that make promises', 'const f = () => Promise.resolve().then(f); await f()', MEMORY],
    [
      'an async generator',
      'for await (const x of (async function* () { for (;;) yield 1 })());',
      FUEL,
    ],
    ['a thenable that is never done', 'return { then(resolve) { resolve(this) } }', FUEL],
    ['microtasks', 'const f = () => queueMicrotask(f); f(); await new Promise(() => {})', FUEL],
  ]
  it.each(waiting)('in %s ends', async (_name, body, becomes) => {
    const program = guest(`export default async () => { ${body} }`, { limits })
    expect(await outcomeOf(program)).toEqual(becomes)
  })

  it('in the parts of a module ends with the fuel', async () => {
    expect(await outcomeOf(guest('for (;;);', { limits }))).toEqual(FUEL)
    expect(await outcomeOf(guest('await (async () => { for (;;); })()', { limits }))).toEqual(FUEL)
  })
})

/** Verifies: SBX-R04 */
describe('space without end', () => {
  const attempts: readonly Attempt[] = [
    ['text that doubles', 'let s = "x"; for (;;) s += s', MEMORY],
    ['text that is repeated', '"x".repeat(2 ** 29)', MEMORY],
    ['arrays', 'const a = []; for (;;) a.push(new Array(1000).fill(1))', MEMORY],
    ['buffers', 'const a = []; for (;;) a.push(new ArrayBuffer(1 << 20))', MEMORY],
    ['one buffer', 'new ArrayBuffer(2 ** 30)', MEMORY],
    [
      'what it catches',
      'for (;;) { try { const a = []; for (;;) a.push("x".repeat(1e6) + a.length) } catch {} }',
      MEMORY,
    ],
    ['large integers', '2n ** (2n ** 30n)', FAILED],
    ['a filled array', 'new Array(1e8).fill({})', MEMORY],
    ['padding', '"x".padEnd(2 ** 30 - 2)', MEMORY],
    ['symbols', 'const a = []; for (;;) a.push(Symbol("x".repeat(1e4)))', MEMORY],
    [
      'functions',
      'const a = []; for (;;) a.push(Function("return " + a.length))',
      // Where it is the parser that runs out, the engine says "not a function" instead.
      { code: expect.stringMatching(/^ICE_SANDBOX_(MEMORY_LIMIT|GUEST_FAILED)$/) },
    ],
    [
      'closures that hold each other',
      'let f = () => 1; for (;;) { const g = f; f = () => g }',
      MEMORY,
    ],
  ]
  it.each(attempts)('in %s ends with the memory', (_name, source, becomes) => {
    expect(evaluated(source, { limits: { ...limits, fuel: 2_000_000_000 } })).toEqual(becomes)
  })

  const deep: readonly Attempt[] = [
    [
      'functions that it catches',
      'let d = 0; const f = () => { d += 1; f() }; try { f() } catch (e) { e.name + (d > 300) }',
      { value: 'RangeErrortrue' },
    ],
    ['functions', 'const f = () => f(); f()', FAILED],
    ['a conversion to text', 'const o = { toString() { return "" + this } }; "" + o', FAILED],
    ['a getter', 'const o = { get x() { return this.x } }; o.x', FAILED],
    ['JSON that is read', 'JSON.parse("[".repeat(1e5))', STACK],
    [
      'JSON that is written',
      'let o = {}; for (let i = 0; i < 1e5; i += 1) o = { o }; JSON.stringify(o)',
      STACK,
    ],
    ['brackets of a source', 'eval("[".repeat(1e5))', STACK],
    ['classes of a source', 'eval("(class{m(){".repeat(4000))', STACK],
    ['templates of a source', 'eval("`$" + "{`$".repeat(20000))', STACK],
    ['signs of a source', 'eval("!".repeat(1e5) + "1")', STACK],
    [
      'a list in a list',
      'let a = []; for (let i = 0; i < 1e5; i += 1) a = [a]; a.flat(Infinity)',
      FAILED,
    ],
    [
      'proxies of proxies',
      'let p = {}; for (let i = 0; i < 3e4; i += 1) p = new Proxy(p, {}); Object.getPrototypeOf(p)',
      STACK,
    ],
    ['a group of an expression', 'new RegExp("(?:".repeat(1e5))', STACK],
    [
      'what is let go of',
      'let o = {}; for (let i = 0; i < 1e5; i += 1) o = { o }; o = null; "gone"',
      { value: 'gone' },
    ],
    ['its result', 'let o = {}; for (let i = 0; i < 1e3; i += 1) o = { o }; o', TOO_LARGE],
    ['a result that holds itself', 'const a = []; a.push(a); a', TOO_LARGE],
  ]
  it.each(deep)('in the depth of %s is bounded', (_name, source, becomes) => {
    expect(evaluated(source, { limits: { ...limits, memoryBytes: 64 * 1_048_576 } })).toEqual(
      becomes,
    )
  })
})

/** Verifies: SBX-R02 */
describe('a result', () => {
  const attempts: readonly Attempt[] = [
    ['a function', '() => 1', REFUSED],
    ['a symbol', 'Symbol("x")', REFUSED],
    ['a large integer', '1n', REFUSED],
    ['no number', '0 / 0', REFUSED],
    ['a lone surrogate', '"\\ud800"', REFUSED],
    ['a name with a lone surrogate', '({ ["\\ud800"]: 1 })', REFUSED],
    ['a date', 'new Date(0)', REFUSED],
    ['a map', 'new Map([[1, 2]])', REFUSED],
    ['an instance', 'new (class A {})()', REFUSED],
    ['an error', 'new Error("x")', REFUSED],
    ['a hole', '[, 1]', REFUSED],
    ['an integer two readers read differently', '2 ** 60', REFUSED],
    [
      'a proxy that answers',
      'new Proxy({}, { ownKeys: () => ["a"], getOwnPropertyDescriptor: () => ({ value: 1, ' +
        'enumerable: true, configurable: true }), get: () => 7 })',
      { value: { a: 7 } },
    ],
    ['what toJSON says', '({ a: 1, toJSON: 2 })', { value: { a: 1, toJSON: 2 } }],
    ['a getter', '({ get a() { return 1 } })', { value: { a: 1 } }],
    ['a symbol for a name', '({ [Symbol.iterator]: 1, a: 2 })', { value: { a: 2 } }],
    ['a huge sparse array', 'const a = []; a.length = 2 ** 32 - 1; a', REFUSED],
    ['more than may leave', 'new Array(2e5).fill(0)', TOO_LARGE],
    ['a long text', '"x".repeat(5e6)', TOO_LARGE],
  ]
  it.each(attempts)('that is %s is refused or copied', (_name, source, becomes) => {
    expect(evaluated(source, { limits: { ...limits, fuel: 500_000_000 } })).toEqual(becomes)
  })

  it('has __proto__ and constructor as names like any other', () => {
    const result = evaluated('({ ["__proto__"]: { x: 1 }, constructor: 2 })') as { value: object }
    expect(Object.getPrototypeOf(result.value)).toBe(Object.prototype)
    expect(Object.getOwnPropertyNames(result.value)).toEqual(['__proto__', 'constructor'])
    expect((result.value as { x?: number }).x).toBeUndefined()
  })
})

/** Verifies: SBX-R08 */
describe('built-ins that a guest changed', () => {
  const poison = `
    const evil = () => { throw new Error('poisoned') }
    for (const name of ['parse', 'stringify']) JSON[name] = evil
    for (const of of [Array, String, Object, Promise, WeakMap, Map, Function]) {
      for (const name of Object.getOwnPropertyNames(of.prototype)) {
        if (name === 'constructor') continue
        try { Object.defineProperty(of.prototype, name, { value: evil }) } catch {}
      }
    }
    for (const name of ['keys', 'getPrototypeOf', 'defineProperty', 'freeze', 'create',
      'hasOwn']) Object[name] = evil
    Object.prototype.toJSON = evil; Array.prototype.toJSON = evil; String.prototype.toJSON = evil
    Reflect.apply = evil; Array.isArray = () => true; Number.isFinite = () => false
    Date.now = () => -1
    globalThis.Promise = globalThis.JSON = globalThis.Reflect = globalThis.Error = evil
    Promise.resolve = evil
  `
  it('do not change what crosses the bridge', async () => {
    const program = guest(
      `${poison}
      export default async (ice, input) => {
        const answer = await ice.effect('one', { action: 'do', grant: 'g', arguments: { list: [1,
          { $x: 2 }] } })
        const failed = await ice.attempt('two', { action: 'no', grant: 'g', arguments: {} })
        return { input, answer, failed, now: ice.now }
      }`,
      { limits },
    )
    const under = context((id, { action, arguments: args }) => {
      if (action === 'no') throw new TypeError('refused')
      return { id, args }
    })
    expect(await outcomeOf(program, { in: ['a'] }, under)).toMatchObject({
      value: {
        input: { in: ['a'] },
        answer: { id: 'one', args: { list: [1, { $x: 2 }] } },
        failed: { kind: 'failed' },
        now: 1_700_000_000_000,
      },
    })
  })

  it('are not there for the next guest', () => {
    expect(evaluated(`${poison}; 1`)).toEqual({ value: 1 })
    expect(evaluated('JSON.stringify([1, "x"].map(String))')).toEqual({ value: '["1","x"]' })
  })

  const thenables: readonly Attempt[] = [
    [
      'a then of every object',
      'Object.prototype.then = function (ok) { ok("stolen") }; return await ice.effect("x", r)',
      { value: 'stolen' },
    ],
    [
      'a constructor of its promise',
      'const p = ice.effect("x", r); p.constructor = { [Symbol.species]: function () { ' +
        'throw 1 } }; return await p.catch(() => 0)',
      FAILED,
    ],
    [
      'species of all promises',
      'Object.defineProperty(Promise, Symbol.species, { get() { return Array } }); return ' +
        'await ice.effect("x", r)',
      { value: {} },
    ],
  ]
  it.each(thenables)('as %s hurt nobody but the guest', async (_name, body, becomes) => {
    const source = `const r = { action: 'do', grant: 'g', arguments: {} }
      export default async (ice) => { ${body} }`
    expect(await outcomeOf(guest(source, { limits }))).toEqual(becomes)
  })
})

/** Verifies: SBX-R10 */
describe('what a guest throws', () => {
  const attempts: readonly Attempt[] = [
    ['nothing', 'throw undefined', FAILED],
    ['null', 'throw null', FAILED],
    ['a symbol', 'throw Symbol("s")', FAILED],
    ['a function', 'throw () => 1', FAILED],
    ['an object that cannot be looked at', 'throw new Proxy({}, { get() { throw 1 } })', FAILED],
    [
      'a proxy that was revoked',
      'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy',
      FAILED,
    ],
    [
      'a hostile name',
      'throw Object.assign(new Error("x"), { name: { toString() { for (;;); } } })',
      FAILED,
    ],
    [
      'a code of ours',
      'throw Object.assign(new Error("x"), { code: "ICE_RUNS_EFFECT_DENIED" })',
      FAILED,
    ],
    ['lone surrogates', 'throw new Error("\\ud800")', FAILED],
  ]
  it.each(attempts)('as %s is a failure with a code', (_name, source, becomes) => {
    expect(evaluated(source, { limits })).toEqual(becomes)
  })
})
