import type { JsonObject } from '../common/json.ts';
import type { ExportedRow } from '../conversations/sync.ts';
import type { Conversation, ConversationRow, Message, MessageRow, ShownMessage } from '../conversations/types.ts';
import type { PayloadOf } from '../protocol/messages.ts';

type ConversationView = PayloadOf<'UPDATE_CONVERSATION'>['conversation'];
type MessageView = PayloadOf<'GET_CONVERSATION'>['messages'][number];

/** Converts a conversation for a reply, which omits the settings that it does not have. */
export function viewConversation<T extends Conversation>(conversation: T) {
  const { system_prompt, model, settings, pinned, ...rest } = conversation;
  return {
    ...rest,
    pinned,
    ...(system_prompt === null ? {} : { system_prompt }),
    ...(model === null ? {} : { model }),
    // The settings have passed the schema of a request.
    ...(settings === null ? {} : { settings: settings as ConversationView['settings'] }),
  };
}

/** Converts a message of a branch for a reply. */
export function viewMessage({ siblings, ...message }: ShownMessage): MessageView {
  return {
    ...view(message),
    parent_id: message.parent_id,
    ...(siblings === undefined ? {} : { siblings: [...siblings] }),
  };
}

/** Converts a conversation for a copy of the database. */
export function viewConversationRow<T extends Omit<ConversationRow, 'deleted'>>(row: T) {
  const { selected_id, selected_at, ...rest } = viewConversation(row);
  return { ...rest, ...(selected_at === 0 ? {} : { selected_message: selected_id, selected_at }) };
}

/** Converts a message for a copy of the database. */
export function viewMessageRow<T extends Omit<MessageRow, 'deleted'>>(row: T) {
  const { parent_id, ...rest } = view(row);
  return { ...rest, ...(parent_id === null ? {} : { parent_id: parent_id === '' ? null : parent_id }) };
}

/** Converts a row of an export. */
export function viewExportedRow(row: ExportedRow) {
  return row.type === 'conversation' ? viewConversationRow(row) : viewMessageRow(row);
}

function view<T extends Message>({ details, model, ...message }: T) {
  const { tool_calls, parts, ...texts } = details ?? {};
  return {
    ...message,
    ...texts,
    ...(tool_calls === undefined ? {} : { tool_calls: [...tool_calls] as JsonObject[] }),
    ...(parts === undefined ? {} : { parts: [...parts] as JsonObject[] }),
    ...(model === null ? {} : { model }),
  };
}
