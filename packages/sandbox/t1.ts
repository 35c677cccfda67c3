import { evaluate } from './src/index.ts'
let t = performance.now()
console.log(evaluate('1+2'), performance.now() - t)
t = performance.now()
for (let i = 0; i < 200; i++) evaluate('1+2')
console.log('per eval ms', (performance.now() - t) / 200)
const tries = ['({a:[1,"x",null,true], $b: 1, ["__proto__"]: 2})', 'x', 'throw new TypeError("no")', 'throw 3', 'while(true);', 'let f=()=>f(); f()', 'JSON.parse("[".repeat(1e5))', '"x".repeat(1e9)', 'new Array(1e9).fill(1)', 'syntax error here', 'undefined', 'NaN', '(()=>1)', 'let a=[];a[0]=a;a', 'Math.random()', 'Date.now()', 'new Date(0).getTimezoneOffset()', '"\\ud800"', 'Object.keys(globalThis)', 'Promise.resolve(1)', 'import("x")', 'let s="a"; for(;;) s+=s', 'new Uint8Array(1<<30)', 'try { "x".repeat(2**29) + "y".repeat(2**29) } catch(e) { "caught "+e }', 'try { let a=[]; for(;;) a.push(new Uint8Array(1<<20)) } catch(e) { "caught "+e }']
for (const s of tries) { try { console.log(s.padEnd(50), JSON.stringify(evaluate(s, { globals: { y: { $handle: 0, a: 1 } } }))) } catch (e) { console.log(s.padEnd(50), e.code, e.message, JSON.stringify(e.data), e.code === 'ICE_SANDBOX_ENGINE_FAILED' || !e.code ? e.cause ?? e : '') } }
console.log(evaluate('y', { globals: { y: { $handle: 0, $$a: 1 } } }))
