import { getLlama } from 'node-llama-cpp';
import { cpuVariant } from '../../../host/engine/runner/cpu-variant.ts';

/** Loads llama.cpp without a GPU, and prints as JSON which CPU variant ggml selected. */
await getLlama({ gpu: false, build: 'never', progressLogs: false, logger: () => undefined });
process.stdout.write(JSON.stringify({ variant: cpuVariant() }));
process.exit(0);
