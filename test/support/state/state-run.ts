import { setTimeout as delay } from 'node:timers/promises';
import type { HostProcess } from '../host/host-process.ts';
import { ConversationArea } from './conversation-area.ts';
import { ModelArea } from './model-area.ts';
import { SettingsArea } from './settings-area.ts';
import { filesIn } from './shared-folder.ts';
import { HOSTS, type Step } from './steps.ts';
import { eventually, must, StateFailure, World } from './world.ts';

/** The failure of a run. */
export interface RunFailure {
  /** The index of the failed step; the number of steps if the final checks failed. */
  readonly at: number;
  readonly what: string;
}

/**
 * Runs steps on hosts that share a data folder. After each step, checks that the hosts and the disk match the expected
 * state. Returns the first failure.
 */
export async function runSteps(steps: readonly Step[]): Promise<RunFailure | undefined> {
  const run = await StateRun.open();
  let at = 0;
  try {
    for (const step of steps) {
      await run.do(step);
      at += 1;
    }
    await run.end();
    return undefined;
  } catch (error) {
    if (error instanceof StateFailure) return { at, what: error.message };
    throw error;
  } finally {
    await run.close();
  }
}

/** The interval of full checks, in steps. After other steps, only the affected area is checked. */
const FULL_CHECK_INTERVAL = 8;

/** The numbers of hosts. */
const SLOTS = Array.from({ length: HOSTS }, (_, slot) => slot);

const SETTINGS_STEPS: ReadonlySet<Step['kind']> = new Set([
  'setParams',
  'setSecrets',
  'setToken',
  'clearToken',
  'addToList',
]);
const CONVERSATION_STEPS: ReadonlySet<Step['kind']> = new Set([
  'createConversation',
  'deleteConversation',
  'addMessage',
  'pushTitle',
  'pushMessage',
  'replaceMessage',
  'pushLate',
  'elsewhere',
  'synchronize',
  'copy',
]);

class StateRun {
  #count = 0;
  readonly #world: World;
  readonly #models: ModelArea;
  readonly #settings: SettingsArea;
  readonly #conversations: ConversationArea;

  private constructor(world: World) {
    this.#world = world;
    this.#models = new ModelArea(world);
    this.#settings = new SettingsArea(world);
    this.#conversations = new ConversationArea(world);
  }

  static async open(): Promise<StateRun> {
    const world = await World.open();
    world.start(0);
    world.start(1);
    return new StateRun(world);
  }

  async do(step: Step): Promise<void> {
    if (step.kind === 'start') {
      if (this.#world.host(step.host) === undefined) this.#world.start(step.host);
    } else {
      const host = this.#world.host(step.host);
      if (host === undefined) return;
      await this.#act(step, host);
    }
    this.#count += 1;
    if (this.#count % FULL_CHECK_INTERVAL === 0) return this.#check();
    // After a host was killed, it takes a moment until another one takes over its downloads.
    if (SETTINGS_STEPS.has(step.kind)) return this.#settings.check();
    if (CONVERSATION_STEPS.has(step.kind)) return this.#conversations.check();
    await eventually(() => this.#models.check());
  }

  /** Kills all hosts, and checks that the next one removes their files. */
  async end(): Promise<void> {
    await this.#conversations.checkFiles();
    for (const slot of SLOTS) {
      await this.#world.kill(slot);
      this.#models.hostEnded(slot);
    }
    this.#world.any();
    await this.#check();
    await this.#conversations.checkFiles();
    await this.#world.closeHost(0);
    const left = filesIn(this.#world.home).filter((path) => /\.(tmp|lock)$/.test(path));
    must(left.length === 0, 'the next host removes the temporary files of killed hosts', left);
  }

  async #closeAll(): Promise<void> {
    for (const slot of SLOTS) {
      await this.#world.closeHost(slot);
      this.#models.hostEnded(slot);
    }
  }

  async close(): Promise<void> {
    await this.#conversations.close();
    await this.#world.close();
  }

  async #check(): Promise<void> {
    await eventually(() => this.#models.check());
    await this.#settings.check();
    await this.#conversations.check();
  }

  async #act(step: Step, host: HostProcess): Promise<void> {
    const [models, settings, conversations] = [this.#models, this.#settings, this.#conversations];
    const id = 'conversation' in step ? `c${step.conversation}` : '';
    switch (step.kind) {
      case 'kill':
      case 'close':
        await (step.kind === 'kill' ? this.#world.kill(step.host) : this.#world.closeHost(step.host));
        return models.hostEnded(step.host);
      case 'moveClock':
        return this.#world.moveClock();
      case 'hub':
        return models.setStalls(step.stalls);
      case 'download':
      case 'pause':
      case 'resume':
      case 'cancel':
        return models.control(step.host, host, step.kind, step.model, step.naming);
      case 'burst':
        return models.burst(step.host, host, step.model, step.controls);
      case 'race':
        return models.race(step.model, step.controls);
      case 'delete':
        return models.delete(host, step.model);
      case 'prune':
        return models.prune(host, step.partials);
      case 'damage':
        return models.damage(step.model, step.damage);
      case 'evict':
        return models.evict(host, step.model, step.limit);
      case 'moveUsedCache':
        return models.moveUsedCache();
      case 'moveCache':
        await this.#closeAll();
        await models.moveCache(step.killAfterMs);
        return void this.#world.start(step.host);
      case 'pin':
      case 'unpin':
        return models.pin(host, step.model, step.kind === 'pin');
      case 'verify':
        return models.verify(host, step.model, 'VERIFY_MODEL');
      case 'repair':
        return models.verify(host, step.model, 'REPAIR_MODEL');
      case 'cancelVerify':
        return models.cancelVerify(host, step.model);
      case 'load':
        return models.load(step.host, host, step.model);
      case 'unload':
        return models.unload(host, step.model);
      case 'loadAndUnload':
        return models.loadAndUnload(host, step.model);
      case 'unloadAll':
        return models.unloadAll(step.host, host);
      case 'generate':
        return models.generate(step.host, host, step.model, false);
      case 'generateAndStop':
        return models.generate(step.host, host, step.model, true);
      case 'setParams':
        return settings.setParams(host, step.field, step.value);
      case 'setSecrets':
        return settings.setSecrets(step.count);
      case 'setToken':
        return settings.setToken(host);
      case 'clearToken':
        return settings.clearToken(host);
      case 'addToList':
        return settings.addToList(step.count);
      case 'createConversation':
        return conversations.create(host, id);
      case 'deleteConversation':
        return conversations.delete(host, id);
      case 'addMessage':
        return conversations.add(host, id);
      case 'pushTitle':
        return conversations.pushTitle(host, id);
      case 'pushMessage':
        return conversations.pushMessage(host, id);
      case 'replaceMessage':
        return conversations.replaceMessage(host, id);
      case 'pushLate':
        return conversations.pushLate(host, id);
      case 'elsewhere':
        return conversations.elsewhere(id, step.change);
      case 'synchronize':
        return conversations.synchronize(host);
      case 'copy':
        return conversations.copy(host);
      case 'killDuring':
        return this.#killDuring(step, host);
      case 'start':
        return;
    }
  }

  async #killDuring(step: Step & { kind: 'killDuring' }, host: HostProcess): Promise<void> {
    const { action, model, delayMs } = step;
    const observe =
      this.#models.killable(step.host, host, action, model) ??
      this.#settings.killable(host, action) ??
      this.#conversations.killable(host, action, `c${model}`);
    if (observe === undefined) return;
    await delay(delayMs);
    await this.#world.kill(step.host);
    this.#models.hostEnded(step.host);
    await eventually(observe);
  }
}
