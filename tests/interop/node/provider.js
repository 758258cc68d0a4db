// The npm package smpp as a provider. One argument, JSON:
//   system_id, password    what a bind must say
//   first                  the number its message ids count from
//   width                  ids padded with zeros to this many digits (0: not padded)
//   base                   10 or 16: how the submit_sm_resp writes them
//   receipt                "after" | "early" (before the response) | "none"
//   receipt_base, receipt_width   how the receipt writes them (upper case when hex)
//   tlvs                   whether receipts carry receipted_message_id and message_state
//   copies                 how often each receipt is sent
//   answer_after           milliseconds between a submit_sm and its response
//   status                 of every submit_sm_resp; others than 0 have no body and no receipt
//   key, cert              files, for TLS
'use strict';

const fs = require('fs');
const smpp = require('smpp');
const { tell, obey, said } = require('./lines');

const settings = Object.assign({
  first: 1, width: 0, base: 10, receipt: 'after', receipt_base: 10, receipt_width: 0,
  tlvs: true, copies: 1, answer_after: 0, status: 0,
}, JSON.parse(process.argv[2]));
let number = settings.first;
const receivers = [];

function written(id, base, width) {
  return id.toString(base).toUpperCase().padStart(width, '0');
}

function date(time) {
  return time.toISOString().replace(/[-:T]/g, '').slice(2, 12);
}

function receipt(order) {
  const now = date(new Date());
  const id = written(order.number, settings.receipt_base, settings.receipt_width);
  const text = `id:${id} sub:001 dlvrd:001 submit date:${now} done date:${now} `
    + `stat:${order.stat || 'DELIVRD'} err:000 text:`;
  const fields = {
    esm_class: 4, source_addr: order.to, destination_addr: order.from,
    data_coding: 0, short_message: Buffer.from(text, 'latin1'),
  };
  if (settings.tlvs) Object.assign(fields, { receipted_message_id: id, message_state: 2 });
  return fields;
}

function sendReceipt(order) {
  const session = receivers[receivers.length - 1];
  for (let copy = 0; copy < settings.copies; copy += 1) {
    session.deliver_sm(receipt(order), (pdu) => tell('receipt_answered', {
      number: order.number, status: pdu.command_status,
    }));
  }
}

function submitted(session, pdu) {
  const order = { number, to: pdu.destination_addr, from: pdu.source_addr };
  number += 1;
  const id = written(order.number, settings.base, settings.width);
  tell('submit', Object.assign(said(pdu), { number: order.number, message_id: id }));
  if (settings.status) {
    session.send(pdu.response({ command_status: settings.status }));
    return;
  }
  const asked = (pdu.registered_delivery & 3) !== 0;
  if (asked && settings.receipt === 'early') sendReceipt(order);
  setTimeout(() => {
    session.send(pdu.response({ message_id: id }));
    if (asked && settings.receipt === 'after') setTimeout(() => sendReceipt(order), 5);
  }, settings.answer_after + (settings.receipt === 'early' ? 100 : 0));
}

function bind(session, pdu) {
  const right = pdu.system_id === settings.system_id && pdu.password === settings.password;
  tell('bind', {
    command: pdu.command, system_id: pdu.system_id, right,
    interface_version: pdu.interface_version,
  });
  if (!right) {
    session.send(pdu.response({ command_status: smpp.ESME_RBINDFAIL }), () => session.close());
    return;
  }
  if (pdu.command !== 'bind_transmitter') receivers.push(session);
  session.send(pdu.response({ system_id: 'node-smpp' }));
}

const tls = settings.key
  ? { key: fs.readFileSync(settings.key), cert: fs.readFileSync(settings.cert) }
  : {};
const server = smpp.createServer(tls, (session) => {
  for (const command of ['bind_transmitter', 'bind_receiver', 'bind_transceiver']) {
    session.on(command, (pdu) => bind(session, pdu));
  }
  session.on('submit_sm', (pdu) => submitted(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    tell('unbind');
    session.send(pdu.response(), () => session.close());
  });
  session.on('error', (error) => tell('error', { text: String(error) }));
  session.on('close', () => {
    if (receivers.includes(session)) receivers.splice(receivers.indexOf(session), 1);
    tell('closed');
  });
});
server.listen(settings.port || 0, '127.0.0.1', () => tell('listening', { port: server.address().port }));

obey({
  // A receipt for a message that another host of this provider took.
  receipt: sendReceipt,
  message(order) {
    receivers[receivers.length - 1].deliver_sm({
      source_addr: order.from, destination_addr: order.to, short_message: order.text,
    }, (pdu) => tell('message_answered', { status: pdu.command_status }));
  },
  enquire() {
    for (const session of receivers) {
      session.enquire_link((pdu) => tell('enquire_answered', { status: pdu.command_status }));
    }
  },
});
