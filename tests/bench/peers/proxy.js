// The shortest SMPP proxy worth the name over the npm package smpp: clients bind to it, it binds to
// each host, ids stay in memory. No accounts, limits, log, store: whatever it does not do costs
// nothing. The provider's ids go to clients as they are, PDUs as the library read them.
// One argument, JSON: system_id, password (of clients), upstream {system_id, password}, hosts (ports),
// binds (of each host). Tells {"listening": port} once all of them are bound; ends with its stdin.
'use strict';

const smpp = require('smpp');

const settings = JSON.parse(process.argv[2]);
const upstreams = [];
const clients = []; // sessions that take receipts
const owners = new Map(); // provider's id -> the session that was given it
let next = 0;

function tell(fields) {
  process.stdout.write(JSON.stringify(fields) + '\n');
}

// ------------------------------------------------------------- clients

function bind(session, pdu) {
  if (pdu.system_id !== settings.system_id || pdu.password !== settings.password) {
    session.send(pdu.response({ command_status: smpp.ESME_RBINDFAIL }), () => session.close());
    return;
  }
  if (pdu.command !== 'bind_transmitter') clients.push(session);
  session.send(pdu.response({ system_id: 'proxy' }));
}

function submit(session, pdu) {
  const upstream = upstreams[next++ % upstreams.length];
  const answer = pdu.response();
  pdu.sequence_number = 0; // the library gives it one of the other side
  const sent = upstream && upstream.send(pdu, (response) => {
    answer.command_status = response.command_status;
    answer.message_id = response.message_id;
    if (!response.command_status) owners.set(response.message_id, session);
    session.send(answer);
  });
  if (!sent) {
    answer.command_status = smpp.ESME_RSYSERR;
    session.send(answer);
  }
}

const server = smpp.createServer({}, (session) => {
  for (const command of ['bind_transmitter', 'bind_receiver', 'bind_transceiver']) {
    session.on(command, (pdu) => bind(session, pdu));
  }
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => session.send(pdu.response(), () => session.close()));
  session.on('error', () => session.destroy());
  session.on('close', () => {
    if (clients.includes(session)) clients.splice(clients.indexOf(session), 1);
  });
});

// ----------------------------------------------------------- providers

function deliver(upstream, pdu) {
  const id = pdu.receipted_message_id;
  const owner = owners.get(id);
  const session = clients.includes(owner) ? owner : clients[0];
  const answer = pdu.response();
  pdu.sequence_number = 0;
  const sent = session && session.send(pdu, (response) => {
    answer.command_status = response.command_status;
    upstream.send(answer);
  });
  if (sent) owners.delete(id);
  else upstream.send(pdu.response({ command_status: smpp.ESME_RX_T_APPN }));
}

function connect(port) {
  const session = smpp.connect({ host: '127.0.0.1', port });
  session.on('connect', () => session.bind_transceiver(settings.upstream, (pdu) => {
    if (pdu.command_status) throw new Error(`the bind was refused: ${pdu.command_status}`);
    upstreams.push(session);
    if (upstreams.length < settings.hosts.length * settings.binds) return;
    server.listen(0, '127.0.0.1', () => tell({ listening: server.address().port }));
  }));
  session.on('deliver_sm', (pdu) => deliver(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
}

for (const port of settings.hosts) {
  for (let n = 0; n < settings.binds; n += 1) connect(port);
}
process.stdin.on('end', () => process.exit(0)).resume();
