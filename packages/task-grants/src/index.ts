/** Grants for a task, declared from its prompt and its tools before any content is seen. */

export { TASK_GRANTS_CODES, type TaskGrantsCode, TaskGrantsError } from './errors.ts'
export { taskToolKind } from './kind.ts'
export type * from './ports.ts'
export { TASK_ACTIONS } from './room.ts'
export { taskGrants } from './task.ts'
