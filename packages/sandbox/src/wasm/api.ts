/**
 * WebAssembly as the host offers it, as far as it is used: the types of Node do not have it, and
 * those of browsers bring a browser with them.
 */

/** A compiled module. */
export interface WasmModule {
  readonly [moduleBrand]: true
}

declare const moduleBrand: unique symbol

/** The memory of an instance. Its buffer is another one after it grew. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** A global of an instance. */
export interface WasmGlobal<T extends number | bigint> {
  value: T
}

/** Functions by the modules and names under which they are imported. */
export type WasmImports = Readonly<
  Record<string, Readonly<Record<string, (...values: never[]) => number | undefined>>>
>

interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (
    module: WasmModule,
    imports: WasmImports,
  ) => {
    readonly exports: unknown
  }
}

const host = globalThis as unknown as { readonly WebAssembly: WasmApi }

/** Compiles a module; throws what the host throws when it is not valid. */
export function compileModule(bytes: Uint8Array): WasmModule {
  return new host.WebAssembly.Module(bytes)
}

/** A new instance, with a memory of its own; throws what the host throws when there is no room. */
export function instantiateModule(module: WasmModule, imports: WasmImports): unknown {
  return new host.WebAssembly.Instance(module, imports).exports
}
