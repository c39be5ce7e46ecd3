/** Keeps a core busy until it is killed or its parent exits. */
process.once('disconnect', () => process.exit(0));
const spin = () => {
  const until = performance.now() + 50;
  while (performance.now() < until);
  setImmediate(spin);
};
spin();
