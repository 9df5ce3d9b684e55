/** In the environment of every job: which runner process has started it. By it, jobs that outlived theirs are found. */
export const runnerVariable = 'RESQUE_RUNNER';
