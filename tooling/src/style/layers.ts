/**
 * The layers, and which package stands in which: `tooling/layers.json`.
 *
 * The order of names within L1 is the order in which siblings may name each other's types.
 */

/** From the ground up; `apps` stands on everything. */
export const LAYERS = ['L0', 'L1', 'L2', 'L3', 'L4', 'apps'] as const

/** A floor of the house. */
export type Layer = (typeof LAYERS)[number]

/** The short names of the packages of each layer, in order. */
export type Layers = Readonly<Partial<Record<Layer, readonly string[]>>>

/** The layer a package was given, if it was given one. */
export const layerOf = (layers: Layers, short: string): Layer | undefined =>
  LAYERS.find((layer) => layers[layer]?.includes(short) === true)

/** Height above the ground, to compare layers by. */
export const height = (layer: Layer): number => LAYERS.indexOf(layer)

/** Whether L1 sibling `a` stands before `b`. */
export const standsBefore = (layers: Layers, a: string, b: string): boolean => {
  const order = layers.L1 ?? []
  return order.indexOf(a) < order.indexOf(b)
}
