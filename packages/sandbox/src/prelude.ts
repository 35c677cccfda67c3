/**
 * The guest's side of the bridge: source that runs in every engine before any guest does.
 *
 * 1. It takes all it will ever use of the built-ins before a guest can change them, and reaches
 *    nothing by a name or a prototype afterwards: no iteration, no method of an array or a string,
 *    no property that is not its own.
 * 2. It takes away what would make two executions differ: `SharedArrayBuffer`, `Atomics`,
 *    `WeakRef`, `FinalizationRegistry` and the engine's own randomness. Its clock is the host's.
 * 3. It protects a guest from nobody but mistakes. The host believes nothing that it says: should a
 *    guest get hold of the bridge, it can ask for what it may ask for anyway.
 *
 * It is text, not a function of this file, so that it is the same text whatever compiles the file:
 * the fuel a guest uses depends on it.
 */
import {
  ERROR_MESSAGE_CHARS_MAX,
  ERROR_NAME_CHARS_MAX,
  ERROR_STACK_CHARS_MAX,
  VALUE_DEPTH_MAX,
  VALUE_NODES_MAX,
} from './limits.ts'

/** Names of the functions that the prelude gives the host. */
export const BRIDGE = ['define', 'result', 'start', 'settle', 'describe'] as const

/** A function of the prelude. */
export type BridgeName = (typeof BRIDGE)[number]

const CAPTURE = `
  const apply = Reflect.apply
  const { keys, getPrototypeOf, setPrototypeOf, defineProperty, freeze, create, hasOwn } = Object
  const { isArray } = Array
  const { stringify, parse } = JSON
  const { isFinite } = Number
  const PromiseOf = Promise, ErrorOf = Error, TypeErrorOf = TypeError, StringOf = String
  const NumberOf = Number
  const dateNow = Date.now
  const objectPrototype = Object.prototype
  const { get: mapGet, set: mapSet, has: mapHas } = WeakMap.prototype
  const { isWellFormed, toWellFormed, slice } = String.prototype
  const refusals = new WeakMap(), hostErrors = new WeakMap(), handles = new WeakMap()
  const objects = create(null), settlers = create(null)
  let asked = 0
`

const REMOVE = `
  delete globalThis.SharedArrayBuffer
  delete globalThis.Atomics
  delete globalThis.WeakRef
  delete globalThis.FinalizationRegistry
  delete globalThis.performance
  defineProperty(Math, 'random', { value: function random() { return chance(0) } })
`

/** Values to text: what JSON cannot hold is refused, with `TypeError`s of the guest. */
const WRITE = `
  const refuse = (kind, message) => {
    const error = new TypeErrorOf(message)
    apply(mapSet, refusals, [error, kind])
    return error
  }
  const quote = (text) => {
    if (!apply(isWellFormed, text, [])) throw refuse('type', 'text with a lone surrogate')
    return stringify(text)
  }
  let nodes = 0
  const write = (value, depth) => {
    nodes += 1
    if (nodes > ${VALUE_NODES_MAX}) throw refuse('nodes', 'a value has too many nodes')
    if (depth > ${VALUE_DEPTH_MAX}) throw refuse('depth', 'a value is too deep, or holds itself')
    if (value === null) return 'null'
    switch (typeof value) {
      case 'boolean': return value ? 'true' : 'false'
      case 'string': return quote(value)
      case 'number':
        if (isFinite(value)) return stringify(value)
        throw refuse('type', 'a number that is not finite cannot leave the sandbox')
      case 'object': return writeObject(value, depth)
    }
    throw refuse('type', 'a ' + typeof value + ' cannot leave the sandbox')
  }
  const writeObject = (value, depth) => {
    if (apply(mapHas, handles, [value])) {
      return '{"$handle":' + apply(mapGet, handles, [value]) + '}'
    }
    let text = ''
    if (isArray(value)) {
      const length = value.length
      for (let at = 0; at < length; at += 1) {
        text += (at === 0 ? '' : ',') + write(value[at], depth + 1)
      }
      return '[' + text + ']'
    }
    const prototype = getPrototypeOf(value)
    if (prototype !== null && prototype !== objectPrototype) {
      throw refuse('type', 'only plain objects and arrays can leave the sandbox')
    }
    const names = keys(value)
    for (let at = 0; at < names.length; at += 1) {
      const member = value[names[at]]
      if (member === undefined) continue
      const name = names[at][0] === '$' ? '$' + names[at] : names[at]
      text += (text === '' ? '' : ',') + quote(name) + ':' + write(member, depth + 1)
    }
    return '{' + text + '}'
  }
  const toText = (value) => {
    nodes = 0
    return write(value === undefined ? null : value, 0)
  }
`

const READ = `
  const handle = (number) => {
    if (objects[number] === undefined) {
      objects[number] = freeze(create(null))
      apply(mapSet, handles, [objects[number], number])
    }
    return objects[number]
  }
  const put = (object, name, value) => defineProperty(object, name, {
    __proto__: null, value, writable: true, enumerable: true, configurable: true,
  })
  const restore = (value) => {
    if (typeof value !== 'object' || value === null) return value
    if (hasOwn(value, '$handle')) return handle(value.$handle)
    const names = keys(value), copy = isArray(value) ? [] : {}
    for (let at = 0; at < names.length; at += 1) {
      const name = names[at]
      put(copy, name[0] === '$' ? apply(slice, name, [1]) : name, restore(value[name]))
    }
    return copy
  }
  const fromText = (text) => {
    const value = parse(apply(slice, text, [1]))
    return text[0] === '$' ? restore(value) : value
  }
`

const FAIL = `
  const clip = (text, max) => apply(toWellFormed, apply(slice, text, [0, max]), [])
  const said = (error, name, max) => {
    try {
      const text = error[name]
      return typeof text === 'string' ? ',"' + name + '":' + stringify(clip(text, max)) : ''
    } catch {
      return ''
    }
  }
  const describe = (error) => {
    const isObject = (typeof error === 'object' && error !== null) || typeof error === 'function'
    if (!isObject) {
      const text = typeof error === 'symbol' ? 'a symbol' : StringOf(error)
      return '{"type":"' + typeof error + '","message":'
        + stringify(clip(text, ${ERROR_MESSAGE_CHARS_MAX})) + '}'
    }
    if (apply(mapHas, hostErrors, [error])) {
      return '{"type":"host","host":' + apply(mapGet, hostErrors, [error]) + '}'
    }
    if (apply(mapHas, refusals, [error])) {
      return '{"type":"refused","refused":"' + apply(mapGet, refusals, [error]) + '"'
        + said(error, 'message', ${ERROR_MESSAGE_CHARS_MAX}) + '}'
    }
    return '{"type":"object"' + said(error, 'name', ${ERROR_NAME_CHARS_MAX})
      + said(error, 'message', ${ERROR_MESSAGE_CHARS_MAX})
      + said(error, 'code', ${ERROR_NAME_CHARS_MAX})
      + said(error, 'stack', ${ERROR_STACK_CHARS_MAX}) + '}'
  }
  const hostError = (number, { name, message, code, data }) => {
    const error = new ErrorOf(message)
    put(error, 'name', name)
    put(error, 'code', code)
    put(error, 'data', data)
    apply(mapSet, hostErrors, [error, number])
    return error
  }
`

const CONTEXT = `
  const chance = (scope) => NumberOf(call('random', '' + scope))
  const call = (operation, text) => {
    const answer = host(operation, text)
    if (answer[0] === '!') {
      const { number, ...error } = fromText(apply(slice, answer, [1]))
      throw hostError(number, error)
    }
    return answer
  }
  const ask = (kind, scope, id, request) => new PromiseOf((resolve, reject) => {
    const text = '{"kind":"' + kind + '","number":' + asked + ',"scope":' + scope
      + ',"id":' + toText(id) + ',"request":' + toText(request) + '}'
    const number = asked
    asked += 1
    settlers[number] = { __proto__: null, resolve, reject }
    host('ask', text)
  })
  const context = (scope, run) => freeze({
    __proto__: null,
    run,
    get now() { return dateNow() },
    random() { return chance(scope) },
    effect(id, request) { return ask('effect', scope, id, request) },
    attempt(id, request) { return ask('attempt', scope, id, request) },
    hold(id, request) { return ask('hold', scope, id, request) },
    reveal(id, reference) { return ask('reveal', scope, id, reference) },
    part(reference, pointer) {
      const text = '{"scope":' + scope + ',"reference":' + toText(reference)
        + ',"pointer":' + toText(pointer) + '}'
      return fromText(call('part', text))
    },
    propose(id, proposal) { return ask('propose', scope, id, proposal) },
    approval(id, question) { return ask('approval', scope, id, question) },
    scope(name) {
      const text = '{"scope":' + scope + ',"name":' + toText(name) + '}'
      return context(NumberOf(call('scope', text)), run)
    },
  })
`

const BRIDGE_FUNCTIONS = `
  const start = async (module, text) => {
    try {
      const { default: main } = await module
      if (typeof main !== 'function') return host('throw', '{"type":"no_default"}')
      const { run, input } = fromText(text)
      const value = await main(context(0, run), input)
      host('return', toText(value))
    } catch (error) {
      host('throw', describe(error))
    }
  }
  const settle = (number, how, text) => {
    const { resolve, reject } = settlers[number]
    delete settlers[number]
    if (how === 'value') return resolve(fromText(text))
    const { number: place, ...error } = fromText(text)
    reject(hostError(place, error))
  }
  const define = (name, text) => {
    if (name in globalThis) return 'taken'
    put(globalThis, name, fromText(text))
    return 'defined'
  }
  return { __proto__: null, define, result: toText, start, settle, describe }
`

/** `(host) => bridge`, where `host(operation, text)` gives text. */
export const PRELUDE: string = `(function (host) {
  'use strict'
  ${CAPTURE}${WRITE}${READ}${FAIL}${CONTEXT}${REMOVE}${BRIDGE_FUNCTIONS}
})`
