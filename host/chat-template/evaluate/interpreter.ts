import { type Budget, OBJECT_COST, PIECE_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import { FILTERS } from '../filters/filters.ts';
import { GLOBALS } from '../globals.ts';
import type {
  BlockStatement,
  Expression,
  FilterExpression,
  ForStatement,
  MacroDefinition,
  Statement,
  Template,
} from '../syntax/ast.ts';
import { TESTS } from '../tests.ts';
import { toText } from '../text/represent.ts';
import { escaped } from '../values/arithmetic.ts';
import { CallArguments } from '../values/call-arguments.ts';
import { Callable } from '../values/callable.ts';
import { getAttribute, getItem } from '../values/lookup.ts';
import { Markup } from '../values/markup.ts';
import { OneShot } from '../values/sequences.ts';
import { elements, isTrue, typeName } from '../values/truth.ts';
import { Undefined } from '../values/undefined.ts';
import { type FilterFunction, type Runtime, TemplateObject, type TestFunction, type Value } from '../values/value.ts';
import { assertNamespaces, assign } from './assign.ts';
import { applyFilter, evaluate, evaluateArguments } from './expressions.ts';
import { LoopContext } from './loop-context.ts';
import { Macro, type MacroEvaluator } from './macro.ts';
import { Scope } from './scope.ts';
import { TemplateReference } from './template-reference.ts';

/** The statement that ends a body early. */
type Interruption = 'break' | 'continue' | undefined;

/** Renders one template once. */
export class Interpreter implements Runtime, MacroEvaluator {
  readonly budget: Budget;
  readonly now: Date;
  readonly #template: Template;
  readonly #root: Scope;
  #autoescape = false;
  /** Pieces of the output, or of the block whose output is being captured. */
  #output: string[] = [];

  constructor(
    template: Template,
    variables: Iterable<readonly [string, Value]>,
    options: { budget: Budget; now: Date },
  ) {
    this.#template = template;
    this.budget = options.budget;
    this.now = options.now;
    const globals = new Scope();
    for (const [name, value] of GLOBALS) globals.set(name, value);
    globals.set('self', new TemplateReference((name) => this.#blockReference(name)));
    const context = new Scope(globals);
    for (const [name, value] of variables) context.set(name, value);
    this.#root = new Scope(context);
  }

  get autoescape(): boolean {
    return this.#autoescape;
  }

  /** Renders the template. @throws ChatTemplateError */
  run(): string {
    this.#execute(this.#template.body, this.#root);
    return this.#output.join('');
  }

  call(callee: Value, args: CallArguments): Value {
    if (callee instanceof Undefined) throw callee.error;
    const callable = callee instanceof TemplateObject ? callee.callable : undefined;
    if (callable === undefined) {
      throw new TemplateRuntimeError('TypeError', `'${typeName(callee)}' object is not callable`);
    }
    return callable.invoke(this, args);
  }

  getAttribute(object: Value, name: string): Value {
    return getAttribute(this, object, name);
  }

  getItem(object: Value, key: Value): Value {
    return getItem(this, object, key);
  }

  filter(name: string): FilterFunction | undefined {
    return FILTERS.get(name);
  }

  test(name: string): TestFunction | undefined {
    return TESTS.get(name);
  }

  fallback(definition: MacroDefinition, index: number, scope: Scope): Value | undefined {
    const expression = definition.parameters[index]?.fallback;
    return expression === undefined ? undefined : evaluate(this, expression, scope);
  }

  render(definition: MacroDefinition, scope: Scope): Value {
    return this.#collect(definition.body, scope).value;
  }

  #execute(statements: readonly Statement[], scope: Scope): Interruption {
    this.budget.enter();
    let interruption: Interruption;
    for (const statement of statements) {
      this.budget.step();
      interruption = this.#statement(statement, scope);
      if (interruption !== undefined) break;
    }
    this.budget.leave();
    return interruption;
  }

  #statement(statement: Statement, scope: Scope): Interruption {
    switch (statement.kind) {
      case 'text':
        this.#write(statement.text);
        return undefined;
      case 'output':
        this.#print(evaluate(this, statement.expression, scope));
        return undefined;
      case 'if': {
        const branch = statement.branches.find(({ test }) => isTrue(evaluate(this, test, scope)));
        return this.#execute(branch?.body ?? statement.otherwise, scope);
      }
      case 'for':
        return this.#for(statement, scope);
      case 'set':
        assertNamespaces(statement.target, scope);
        assign(this, statement.target, evaluate(this, statement.value, scope), scope);
        return undefined;
      case 'setBlock': {
        const inner = new Scope(scope);
        const { value, interruption } = this.#collect(statement.body, inner);
        if (interruption !== undefined) return interruption;
        assertNamespaces(statement.target, scope);
        const filtered = statement.filter === undefined ? value : this.#filterText(statement.filter, value, inner);
        assign(this, statement.target, filtered, scope);
        return undefined;
      }
      case 'macro':
        scope.set(statement.name, this.#macro(statement.definition, scope));
        return undefined;
      case 'callBlock': {
        const callee = evaluate(this, statement.call.callee, scope);
        const args = evaluateArguments(this, statement.call.arguments, scope);
        const caller = this.#macro(statement.definition, scope);
        const withCaller = new CallArguments(args.positional, new Map([...args.named, ['caller', caller]]));
        this.#print(this.call(callee, withCaller));
        return undefined;
      }
      case 'filterBlock': {
        const inner = new Scope(scope);
        const { value, interruption } = this.#collect(statement.body, inner);
        if (interruption === undefined) this.#print(this.#filterText(statement.filter, value, inner));
        return interruption;
      }
      case 'with': {
        const inner = new Scope(scope);
        for (const [target, value] of statement.bindings) assign(this, target, evaluate(this, value, scope), inner);
        return this.#execute(statement.body, inner);
      }
      case 'autoescape':
        return this.#withAutoescape(isTrue(evaluate(this, statement.enabled, scope)), () =>
          this.#execute(statement.body, new Scope(scope)),
        );
      case 'generation':
        return this.#execute(statement.body, new Scope(scope));
      case 'block':
        return this.#block(statement, statement.scoped ? scope : this.#root);
      case 'load':
        throw new TemplateRuntimeError(
          'TypeError',
          `'${statement.tag}' is not supported: a chat template cannot load other templates`,
        );
      case 'break':
      case 'continue':
        return statement.kind;
    }
  }

  /** Creates a macro. It keeps the enclosing scope alive, hence its cost. */
  #macro(definition: MacroDefinition, scope: Scope): Macro {
    this.budget.charge(OBJECT_COST * 6);
    return new Macro(definition, scope, this);
  }

  #for(statement: ForStatement, scope: Scope): Interruption {
    if (!statement.recursive) return this.#loop(statement, evaluate(this, statement.iterable, scope), scope);
    const collected = this.#collectLoop(statement, evaluate(this, statement.iterable, scope), scope, 0);
    this.#write(toText(this, collected));
    return undefined;
  }

  #collectLoop(statement: ForStatement, iterable: Value, scope: Scope, depth: number): Value {
    const recurse = new Callable('loop', (_, args) => {
      const [inner = null] = args.bind('loop', ['iterable'], 1);
      return this.#collectLoop(statement, inner, scope, depth + 1);
    });
    return this.#capture(() => this.#loop(statement, iterable, scope, recurse, depth)).value;
  }

  #loop(statement: ForStatement, iterable: Value, scope: Scope, recurse?: Callable, depth = 0): Interruption {
    const { target, condition, body, otherwise } = statement;
    const source =
      condition === undefined ? iterable : new OneShot(this, this.#filtered(statement, condition, iterable, scope));
    const loop = new LoopContext(this, source, recurse, depth);
    let isEmpty = true;
    for (let item = loop.next(); item !== undefined; item = loop.next()) {
      this.budget.step();
      const inner = new Scope(scope);
      inner.set('loop', loop);
      assign(this, target, item, inner);
      const interruption = this.#execute(body, inner);
      if (interruption === 'break') break;
      // As in the reference implementation, a loop whose every iteration ends with `continue` runs its `else` block.
      if (interruption === undefined) isEmpty = false;
    }
    return isEmpty ? this.#execute(otherwise, new Scope(scope)) : undefined;
  }

  *#filtered(statement: ForStatement, condition: Expression, iterable: Value, scope: Scope): Generator<Value> {
    for (const item of elements(this, iterable)) {
      const inner = new Scope(scope);
      assign(this, statement.target, item, inner);
      if (isTrue(evaluate(this, condition, inner))) yield item;
    }
  }

  #block(block: BlockStatement, scope: Scope): Interruption {
    if (block.required)
      throw new TemplateRuntimeError('TemplateRuntimeError', `Required block '${block.name}' not found`);
    const inner = new Scope(scope);
    inner.set('super', new Undefined(`there is no parent block called '${block.name}'.`));
    this.#execute(block.body, inner);
    return undefined;
  }

  #blockReference(name: string): Value | undefined {
    const block = this.#template.blocks.get(name);
    if (block === undefined) return undefined;
    return new Callable(name, () => this.#capture(() => this.#block(block, this.#root)).value);
  }

  #filterText(filter: Expression, text: Value, scope: Scope): Value {
    if (filter.kind !== 'filter') return text;
    const input = filter.input === undefined ? text : this.#filterText(filter.input, text, scope);
    return applyFilter(this, filter satisfies FilterExpression, input, scope);
  }

  #collect(body: readonly Statement[], scope: Scope): { value: Value; interruption: Interruption } {
    return this.#capture(() => this.#execute(body, scope));
  }

  /** Runs a function and returns the output that it wrote, instead of appending it. */
  #capture(run: () => Interruption): { value: Value; interruption: Interruption } {
    const outer = this.#output;
    this.#output = [];
    const interruption = run();
    const text = this.#output.join('');
    this.#output = outer;
    this.budget.charge(text.length);
    return { value: this.#autoescape ? new Markup(text) : text, interruption };
  }

  #withAutoescape<T>(enabled: boolean, run: () => T): T {
    const before = this.#autoescape;
    this.#autoescape = enabled;
    const result = run();
    this.#autoescape = before;
    return result;
  }

  #print(value: Value): void {
    this.#write(this.#autoescape ? escaped(this, value) : toText(this, value));
  }

  #write(text: string): void {
    if (text === '') return;
    this.budget.charge(text.length + PIECE_COST);
    this.#output.push(text);
  }
}
