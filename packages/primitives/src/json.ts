/**
 * The types of JSON: what can cross a wire, be stored in an event, or stand in an error.
 *
 * They are readonly because a value that was recorded is a fact. The types promise shape only:
 * that a number is finite and a string well-formed is checked where JSON enters (`parseStrict`)
 * and where it is written (`canonicalize`).
 */

/** A JSON value that holds no other value. */
export type JsonPrimitive = string | number | boolean | null

/** An ordered list of JSON values. */
export type JsonArray = readonly JsonValue[]

/** JSON values by name; a name stands at most once. */
export type JsonObject = { readonly [name: string]: JsonValue }

/** Any JSON value. */
export type JsonValue = JsonPrimitive | JsonArray | JsonObject
