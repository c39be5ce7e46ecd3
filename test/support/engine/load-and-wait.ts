import { makeEngine, orderFor } from './make-engine.ts';

/** A host in small, to be killed: loads the model of its argument, keeps another runner warm, tells both process ids. */
const [file = ''] = process.argv.slice(2);
const { engine, log } = makeEngine();
await engine.load(await orderFor('m', file));
const ready = log.next('engine.ready');
engine.warm();
await ready;
process.send?.([engine.pidOf('m'), engine.warmPid]);
