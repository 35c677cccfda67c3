/**
 * The brand: a name on a type, so that two ids that are both text are not each other.
 *
 * The trap: a `unique symbol` declared in two packages makes two types that never meet. All ids
 * of all packages are therefore declared in this one.
 */
declare const brand: unique symbol

/** A `T` that was checked to be a `Name`; exists in types only. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }
