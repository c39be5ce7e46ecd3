/** A runner that never responds, as if llama.cpp hung. */
process.on('message', () => undefined);
