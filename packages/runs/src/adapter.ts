/** The half of this package for whoever keeps the rows of an index: what all adapters do alike. */

export { checkPage, checkReady, indexMoved } from './index/checks.ts'
export { RUN_STANDINGS, RUN_STATES } from './states.ts'
