/** Sends a message to an agent: text, files, JSON; and shows the command that does the same. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Paperclip, X } from 'lucide-react';
import { useId, useMemo, useState } from 'react';
import type { Part } from '../../../../src/protocol/v1/types.ts';
import { agentsQuery } from '../../api/server.ts';
import { createTask } from '../../api/tasks.ts';
import { Button, IconButton } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Input, Segments, Select, TextArea } from '../../components/field.tsx';
import { Command, explain } from '../../components/notices.tsx';
import { toast } from '../../components/toasts.tsx';
import { useAction } from '../../components/use-action.ts';
import { curlOf } from '../../lib/curl.ts';
import { partOfFile, sizeOf } from '../../lib/files.ts';
import { formatBytes } from '../../lib/format.ts';
import { useShortcuts } from '../../lib/shortcuts.ts';
import { type MessageContent, type SendDraft, sentMessageId, unsentMessage, type WrittenMessage } from './open.tsx';

type Mode = 'stream' | 'wait' | 'background';
const MODES: readonly (readonly [Mode, string])[] = [
  ['stream', 'Stream'],
  ['wait', 'Blocking'],
  ['background', 'Immediate'],
];
const MODE_MEANS: Readonly<Record<Mode, string>> = {
  stream: 'Opens the task and shows its events as they happen.',
  wait: 'Waits until the task has ended or asks for something, then opens it.',
  background: 'Returns when the task exists, and stays here.',
};

const isEmpty = ({ text, json, files }: MessageContent) =>
  text.trim() === '' && json.trim() === '' && files.length === 0;

/** Opened by itself, not with something to say. */
const hasDraft = (draft: SendDraft) => Object.keys(draft).length > 0;

function initialOf(draft: SendDraft): WrittenMessage {
  const { agentId, contextId = '', parts = [] } = draft;
  return (hasDraft(draft) ? null : unsentMessage.get()) ?? { agentId, contextId, content: contentOf(parts) };
}

function contentOf(parts: readonly Part[]): MessageContent {
  const text = parts.flatMap((part) => part.text ?? []).join('\n');
  const data = parts.find((part) => part.data !== undefined)?.data;
  return {
    text,
    json: data === undefined ? '' : JSON.stringify(data, null, 2),
    files: parts.filter((part) => part.raw !== undefined || part.url !== undefined),
  };
}

/** The problem of the JSON, or the parts. */
function partsOf({ text, json, files }: MessageContent): readonly Part[] | string {
  const parts: Part[] = text.trim() === '' ? [] : [{ text }];
  if (json.trim() !== '') {
    try {
      parts.push({ data: JSON.parse(json) as NonNullable<Part['data']> });
    } catch (error) {
      return `Not JSON: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return [...parts, ...files];
}

/** What is sent, as it was when that was asked for. */
interface Sent {
  readonly agentId: string;
  readonly message: { readonly parts: Part[]; readonly contextId?: string };
  readonly mode: Mode;
  readonly content: MessageContent;
}

export function SendDialog({ draft, onClose }: { draft: SendDraft; onClose: () => void }) {
  const [initial] = useState(() => initialOf(draft));
  const { data } = useQuery(agentsQuery);
  const agents = data?.agents ?? [];
  const [chosen, setChosen] = useState(initial.agentId);
  const agent = agents.find(({ id }) => id === chosen) ?? agents.find(({ isDefault }) => isDefault) ?? agents[0];
  const [content, setContent] = useState(initial.content);
  const [contextId, setContextId] = useState(initial.contextId);
  const [mode, setMode] = useState<Mode>('stream');
  const [hasJson, setHasJson] = useState(content.json !== '');
  const parts = useMemo(() => partsOf(content), [content]);
  const isSendable = typeof parts !== 'string' && parts.length > 0 && agent !== undefined;
  const navigate = useNavigate();
  const { act, isPending, error } = useAction({
    run: ({ message, agentId, mode }: Sent) => {
      const messageId = sentMessageId.of(JSON.stringify([agentId, message]));
      return createTask({
        agentId,
        message: { ...message, messageId },
        mode: mode === 'wait' ? 'blocking' : 'immediate',
      });
    },
    what: 'Sending',
    showsError: true,
    onDone: (answer, sent, isHere) => {
      sentMessageId.sent(JSON.stringify([sent.agentId, sent.message]));
      if (unsentMessage.get()?.content === sent.content) unsentMessage.set(null);
      // What was written since then stays.
      if (isHere) close(content === sent.content ? null : { agentId: chosen, contextId, content });
      const id = answer.task?.id;
      if (id === undefined) toast({ title: 'The agent answered with a message, without a task' });
      else if (sent.mode === 'background' || !isHere) toast({ title: 'Sent', detail: `The task is ${id}` });
      else void navigate({ to: '/tasks/$taskId', params: { taskId: id } });
    },
  });
  const send = () => {
    if (typeof parts === 'string' || parts.length === 0 || agent === undefined) return;
    const message = { parts: [...parts], ...(contextId !== '' && { contextId }) };
    act({ agentId: agent.id, message, mode, content });
  };
  const close = (unsent: WrittenMessage | null) => {
    if (!hasDraft(draft)) unsentMessage.set(unsent === null || isEmpty(unsent.content) ? null : unsent);
    onClose();
  };
  const keep = () => close({ agentId: chosen, contextId, content });
  useShortcuts([{ keys: 'mod+Enter', what: 'Send', run: send, inFields: true }]);
  return (
    <Dialog title="Send a message" onClose={keep} className="max-w-2xl">
      <form
        className="grid gap-4 pt-1"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Agent">
            {(control) => (
              <Select {...control} value={agent?.id ?? ''} onChange={(event) => setChosen(event.target.value)}>
                {agents.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name} ({id})
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Field label="Context" hint="Empty: a new conversation.">
            {(control) => (
              <Input
                {...control}
                value={contextId}
                onChange={(event) => setContextId(event.target.value.trim())}
                spellCheck={false}
                className="font-mono text-xs"
              />
            )}
          </Field>
        </div>
        <Field label="Text">
          {(control) => (
            <TextArea
              {...control}
              rows={4}
              autoFocus
              value={content.text}
              onChange={(event) => setContent({ ...content, text: event.target.value })}
            />
          )}
        </Field>
        {hasJson && (
          <Field label="JSON" problem={typeof parts === 'string' ? parts : null}>
            {(control) => (
              <TextArea
                {...control}
                rows={4}
                spellCheck={false}
                value={content.json}
                onChange={(event) => setContent({ ...content, json: event.target.value })}
                className="font-mono text-xs"
              />
            )}
          </Field>
        )}
        <Files files={content.files} onChange={(files) => setContent({ ...content, files })}>
          {!hasJson && (
            <Button look="quiet" onClick={() => setHasJson(true)}>
              Add JSON
            </Button>
          )}
        </Files>
        <div className="grid gap-1">
          <Segments label="How to wait" value={mode} choices={MODES} onChange={setMode} />
          <p className="text-xs text-quiet">{MODE_MEANS[mode]}</p>
        </div>
        {error !== null && (
          <p role="alert" className="text-failed">
            {explain(error, 'Sending').detail}
          </p>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={keep}>Close</Button>
          <Button look="primary" type="submit" disabled={!isSendable || isPending}>
            {isPending ? (mode === 'wait' ? 'Waiting for the agent' : 'Sending') : 'Send'}
          </Button>
        </div>
        {agent !== undefined && typeof parts !== 'string' && (
          <AsCommand url={agent.url} parts={parts} contextId={contextId} isStreaming={mode === 'stream'} />
        )}
      </form>
    </Dialog>
  );
}

function Files(props: {
  files: readonly Part[];
  onChange: (files: readonly Part[]) => void;
  children: React.ReactNode;
}) {
  const { files, onChange, children } = props;
  const id = useId();
  const add = async (chosen: readonly File[]) => {
    try {
      onChange([...files, ...(await Promise.all(chosen.map(partOfFile)))]);
    } catch (error) {
      toast({ title: 'The file could not be read', detail: String(error), isBad: true });
    }
  };
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      {files.map((part, index) => (
        // The same file may be there twice
        <span key={index} className="inline-flex h-7 items-center gap-1.5 rounded-md border border-line pl-2.5">
          <span className="max-w-48 truncate">{part.filename ?? part.url ?? 'file'}</span>
          <span className="text-xs text-quiet">{formatBytes(sizeOf(part))}</span>
          <IconButton
            label={`Remove ${part.filename ?? 'file'}`}
            className="size-6!"
            onClick={() => onChange(files.filter((_, other) => other !== index))}
          >
            <X className="size-3.5" />
          </IconButton>
        </span>
      ))}
      <label
        htmlFor={id}
        className="inline-flex h-7 cursor-pointer items-center gap-1.5 rounded-md px-2.5 font-medium text-quiet hover:bg-hover hover:text-ink has-focus-visible:outline-2 has-focus-visible:outline-accent"
      >
        <Paperclip className="size-3.5" />
        Add files
        <input
          id={id}
          type="file"
          multiple
          className="sr-only"
          onChange={({ target }) => {
            void add([...(target.files ?? [])]);
            target.value = '';
          }}
        />
      </label>
      {children}
    </div>
  );
}

function AsCommand(props: { url: string; parts: readonly Part[]; contextId: string; isStreaming: boolean }) {
  const { url, parts, contextId, isStreaming } = props;
  const [version, setVersion] = useState<'1.0' | '0.3'>('1.0');
  const command = useMemo(
    () => curlOf({ url, parts, version, isStreaming, ...(contextId !== '' && { contextId }) }),
    [url, parts, version, isStreaming, contextId],
  );
  return (
    <details>
      <summary className="w-fit rounded-sm text-quiet hover:text-ink">The same from a terminal</summary>
      <div className="grid gap-2 pt-2">
        <Segments
          label="Version of the command"
          value={version}
          choices={[
            ['1.0', 'A2A 1.0'],
            ['0.3', 'A2A 0.3'],
          ]}
          onChange={setVersion}
        />
        <Command text={command} />
      </div>
    </details>
  );
}
