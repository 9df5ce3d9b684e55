/** Both commands about schedules, which share most of their code. */
export { run as list } from './list.ts';
export { run } from './run.ts';
