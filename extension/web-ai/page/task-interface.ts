import type { Availability, TabAgentClient } from '../client.ts';
import { assertLanguages, availabilityOf, prepare } from './create.ts';
import { inactive } from './errors.ts';
import { oneArgument, toDictionary, toSignal } from './idl.ts';
import { assertInternal, attempt, INTERNAL, Life } from './model-object.ts';
import { Task, type TaskOptions } from './task.ts';

/** The options of an object, validated. */
export interface TaskSettings extends Pick<TaskOptions, 'instructions' | 'emptyResult'> {
  /** The values of the attributes. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Languages that the model must know. */
  readonly languages: readonly string[];
}

/** An interface whose objects have one task. */
export interface TaskInterface {
  /** The method that performs the task; another one with `Streaming` after its name streams the result. */
  readonly method: string;
  /** Names of attributes, whose values `read` returns. */
  readonly attributes: readonly string[];
  /** Validates options. @throws TypeError, RangeError */
  readonly read: (members: Record<string, unknown>) => TaskSettings;
}

interface State {
  readonly task: Task;
  readonly life: Life;
  readonly values: TaskSettings['values'];
}

/** Creates the class of an interface. */
export function taskClassOf(window: Window & typeof globalThis, client: TabAgentClient, described: TaskInterface) {
  const { document } = window;
  const { method, attributes, read } = described;
  const states = new WeakMap<object, State>();
  const stateOf = (object: object): State => {
    const state = states.get(object);
    if (state === undefined) throw new TypeError('Illegal invocation');
    return state;
  };

  const TaskModel = class {
    constructor(key?: unknown) {
      assertInternal(key);
    }

    static create(options?: unknown): Promise<object> {
      return attempt(() => {
        assertActive(document);
        const members = toDictionary(options, 'The argument');
        const signal = toSignal(members.signal);
        const { values, languages, instructions, emptyResult } = read(members);
        signal?.throwIfAborted();
        assertLanguages(languages);
        return prepare({ client, fields: {}, signal, monitor: members.monitor }).then(
          ({ contextWindow: inputQuota }) => {
            const life = new Life(document, signal);
            const object = new TaskModel(INTERNAL);
            states.set(object, {
              task: new Task({ client, life, inputQuota, instructions, emptyResult }),
              life,
              values,
            });
            return object;
          },
        );
      });
    }

    static availability(options?: unknown): Promise<Availability> {
      return attempt(() => {
        assertActive(document);
        return availabilityOf(client, read(toDictionary(options, 'The argument')).languages);
      });
    }

    measureInputUsage(...args: unknown[]): Promise<number> {
      return attempt(() => stateOf(this).task.measure(...oneArgument(args)));
    }

    get inputQuota(): number {
      return stateOf(this).task.inputQuota;
    }

    destroy(): undefined {
      stateOf(this).life.end('AbortError');
    }
  };
  const run = function (this: object, ...args: unknown[]) {
    return attempt(() => stateOf(this).task.run(...oneArgument(args)));
  };
  const stream = function (this: object, ...args: unknown[]) {
    return stateOf(this).task.stream(...oneArgument(args));
  };
  define(TaskModel.prototype, method, { value: run, writable: true });
  define(TaskModel.prototype, `${method}Streaming`, { value: stream, writable: true });
  for (const attribute of attributes) {
    define(TaskModel.prototype, attribute, {
      get(this: object) {
        return stateOf(this).values[attribute];
      },
    });
  }
  return TaskModel;
}

function define(target: object, key: string, descriptor: PropertyDescriptor & ThisType<object>): void {
  Object.defineProperty(target, key, { ...descriptor, configurable: true });
}

function assertActive(document: Document): void {
  const gone = inactive(document);
  if (gone !== undefined) throw gone;
}
