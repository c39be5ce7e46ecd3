// The doctor's self-test makes its model with the same, so it lives in the host.
export * from '../../../host/gguf/writing/write-gguf.ts';
