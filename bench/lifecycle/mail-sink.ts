// mail-sink.ts: the smallest mail server that takes everything, in a process of its own. A real one runs on somebody else's
// machine, so this one costs next to nothing; it counts what it took, by notice, and says so over HTTP.
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

let mails = 0;
const notices = new Set<string>();

/** Speaks SMTP line by line (RFC 5321); commands may come in one packet. */
function serve(socket: Socket): void {
  let heard = '';
  let message = '';
  let inBody = false;
  const say = (line: string) => socket.write(`${line}\r\n`);
  const command = (line: string) => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') say('250-bench\r\n250 8BITMIME');
    else if (verb === 'DATA') {
      inBody = true;
      say('354 go on');
    } else if (verb === 'QUIT') {
      say('221 bye');
      socket.end();
    } else say('250 ok');
  };
  const accept = () => {
    mails += 1;
    const notice = /^X-Dunlin-Notice: *(\S+)/im.exec(message.slice(0, 4_000))?.[1];
    if (notice) notices.add(notice);
    message = '';
    inBody = false;
    say('250 OK: queued');
  };
  const read = () => {
    for (;;) {
      if (inBody) {
        message += heard;
        heard = '';
        const end = message.indexOf('\r\n.\r\n');
        if (end < 0) return;
        heard = message.slice(end + 5);
        accept();
      } else {
        const end = heard.indexOf('\r\n');
        if (end < 0) return;
        const line = heard.slice(0, end);
        heard = heard.slice(end + 2);
        command(line);
      }
    }
  };
  socket.setEncoding('latin1');
  socket.setNoDelay(true);
  socket.on('data', (text: string) => {
    heard += text;
    read();
  });
  // A sender that hangs up early is seen by what was not counted.
  socket.on('error', () => socket.destroy());
  say('220 bench ESMTP');
}

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
const smtpPort = await listening(createServer(serve));
const port = await listening(createHttp((_request, response) => response.end(JSON.stringify({ mails, notices: notices.size }))));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, port, smtpPort })}\n`);
