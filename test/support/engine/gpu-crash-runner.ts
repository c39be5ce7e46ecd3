import type { FromRunner, GpuMode, LoadedFigures, RunnerFacts, ToRunner } from '../../../host/engine/ipc.ts';

/**
 * Simulates a runner on a machine whose GPU driver aborts the process while a model loads or, with
 * `GGML_TEST_ABORT=start`, when the backend starts. Without GPU layers, loading succeeds.
 */
const FIGURES: LoadedFigures = {
  vocabSize: 1,
  embeddingDim: 1,
  contextSize: 1,
  trainContextSize: 1,
  chatFormat: { used: 'transcript', error: null, reasoning: [] },
  gpuLayers: 0,
  ramUsed: 1,
  vramUsed: 0,
};

let gpu: GpuMode = 'off';

process.on('message', (message) => {
  const received = message as ToRunner;
  if (received.type === 'start') {
    gpu = received.gpu;
    if (gpu !== 'off' && process.env.GGML_TEST_ABORT === 'start') process.abort();
    const facts: RunnerFacts = {
      cpuVariant: null,
      gpu: gpu === 'off' ? null : 'cuda',
      devices: gpu === 'off' ? [] : ['Test GPU'],
      gpuMemory: { total: 0, free: 0, isShared: false },
      release: 'none',
      importMs: 0,
      startMs: 0,
    };
    send({ type: 'ready', facts });
  } else if (received.name === 'load') {
    if (received.request.settings.gpuLayers > 0) {
      process.stderr.write('CUDA error: the launch timed out\n');
      process.abort();
    }
    send({ type: 'result', id: received.id, result: FIGURES });
  }
});

function send(message: FromRunner): void {
  process.send?.(message);
}
