// The self-test of `tabagent doctor` uses it too, so it is part of the host.
export * from '../../../host/gguf/writing/markov-model.ts';
