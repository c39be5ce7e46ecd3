/** A runner that never says anything: what a hang inside llama.cpp looks like from outside. */
process.on('message', () => undefined);
