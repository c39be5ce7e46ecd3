import { readFileSync } from 'node:fs';

/** Most processes between a starter and the program that it starts. */
const MAX_DESCENT = 4;

/** Memory of a process in `/proc/<pid>/status` that is not backed by a file: in use, and in swap space. In kB. */
const OWN_MEMORY = /^(?:RssAnon|VmSwap):\s+(\d+) kB$/gm;

/**
 * Returns the memory of a process that is its own, bytes: without the pages of mapped files, which the system can drop.
 * Undefined if it cannot be read from outside, as on Windows and macOS, where the runner reports it.
 *
 * @param pid The process, or one that only starts it, such as a sandbox.
 */
export function ownMemory(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const status = readFileSync(`/proc/${lastChild(pid)}/status`, 'latin1');
    const amounts = [...status.matchAll(OWN_MEMORY)].map(([, kB]) => Number(kB) * 1024);
    return amounts.length === 0 ? undefined : amounts.reduce((a, b) => a + b);
  } catch {
    // It has just exited, or the system shows no processes.
    return undefined;
  }
}

function lastChild(pid: number): number {
  let last = pid;
  for (let step = 0; step < MAX_DESCENT; step += 1) {
    const child = Number.parseInt(readFileSync(`/proc/${last}/task/${last}/children`, 'latin1'), 10);
    if (Number.isNaN(child)) break;
    last = child;
  }
  return last;
}
