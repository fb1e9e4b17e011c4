// protocol-doc.ts: docs/notice-protocol.md as the protocol table tells it.
import { effects, guards, noticeProtocol } from '../../domain/notice.ts';

const who = {
  sender: 'the sender',
  sweeper: 'the sweeper',
  ledger: 'the transaction of the fact',
  provider: 'a delivery report',
  person: 'a person or evidence',
} as const;

export function protocolDocument(): string {
  const arrows = noticeProtocol.flatMap(({ on, from, to }) => from.map(state => `    ${state} --> ${to}: ${on}`));
  const rows = noticeProtocol.map(({ on, from, to, guards: asked, effects: written, by, why }) =>
    [`\`${on}\``, from.join(', '), to, who[by], asked.map(code).join(', ') || '-', written.map(code).join(', '), why].join(' | '),
  );
  return `# How a notice leaves

<!-- Made from domain/notice.ts. Do not edit: UPDATE_DOCS=1 npx jest test/notices/protocol-doc writes it again. -->

A notice is one message to one customer in one currency. It promises: no automatic duplicate, no silent loss, and every
send that may or may not have arrived is visible as \`unknown\` until evidence or a person settles it. Exactly-once e-mail
does not exist; this is what can be kept instead.

- The body begins only after \`in_data\` is stored, and the statement that stores it looks at every fact once more.
- A notice in \`in_data\` is never claimed again. If its worker dies it becomes \`unknown\`, never a second copy.
- Booking a payment withdraws what has not begun, in the same transaction. What is on the wire is marked as crossed and
  earns an apology.

\`\`\`mermaid
stateDiagram-v2
    [*] --> pending
${arrows.join('\n')}
\`\`\`

## Transitions

event | from | to | who | guards | effects | why
---|---|---|---|---|---|---
${rows.join('\n')}

## Guards

All guards of a transition are asked in the one statement that writes the new state.

${meanings(guards)}

## Effects

${meanings(effects)}
`;
}

function code(name: string): string {
  return `\`${name}\``;
}

function meanings(of: Readonly<Record<string, string>>): string {
  return Object.entries(of)
    .map(([name, meaning]) => `- ${code(name)}: ${meaning}`)
    .join('\n');
}
