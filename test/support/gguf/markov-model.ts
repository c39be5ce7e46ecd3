// Part of the host, because the self-test of `tabagent doctor` also uses it.
export * from '../../../host/gguf/writing/markov-model.ts';
