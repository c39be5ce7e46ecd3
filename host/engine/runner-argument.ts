/** The first argument of a process that is a runner: set by the supervisor, looked for by `main.ts`. */
export const RUNNER_ARGUMENT = '--runner';
