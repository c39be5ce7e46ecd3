/** Shifts the clock of this process by `TEST_CLOCK_SHIFT_MS`. Loaded with `--import` before a host. */
const shift = Number(process.env.TEST_CLOCK_SHIFT_MS ?? 0);
const now = Date.now.bind(Date);
const { Date: SystemDate } = globalThis;

globalThis.Date = new Proxy(SystemDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now() + shift] : args, newTarget),
  get: (target, key) => (key === 'now' ? () => now() + shift : Reflect.get(target, key)),
});
