import { getLlama } from 'node-llama-cpp';
import { cpuVariant } from '../../../host/engine/runner/cpu-variant.ts';

/** Loads llama.cpp without a GPU in a separate process, and prints as JSON which CPU build ggml took. */
await getLlama({ gpu: false, build: 'never', progressLogs: false, logger: () => undefined });
process.stdout.write(JSON.stringify({ variant: cpuVariant() }));
process.exit(0);
