import { parentPort } from 'node:worker_threads';
import { renderTemplate } from './render-template.ts';
import type { TemplateAnswer, TemplateTask } from './template-messages.ts';

/**
 * Renders chat templates in a thread of its own. A template is a program out of a file from strangers: it may loop for
 * ever, so its thread is ended when it takes too long, and what it makes is reckoned up. The interpreter knows values,
 * its own filters and a few functions; nothing of JavaScript is in its reach.
 */
parentPort?.on('message', (task: TemplateTask) => {
  parentPort?.postMessage(render(task));
});

function render({ id, template, values }: TemplateTask): TemplateAnswer {
  try {
    return { id, text: renderTemplate(template, values) };
  } catch (error) {
    return { id, fault: error instanceof Error ? error.message : String(error) };
  }
}
