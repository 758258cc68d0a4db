// The npm package smpp as a client. One argument, JSON: host, port, and for TLS the file of the CA.
'use strict';

const fs = require('fs');
const smpp = require('smpp');
const { tell, obey, said } = require('./lines');

const settings = JSON.parse(process.argv[2]);
const BINDS = { tx: 'bind_transmitter', rx: 'bind_receiver', trx: 'bind_transceiver' };

const options = { host: settings.host, port: settings.port };
if (settings.ca) {
  Object.assign(options, { tls: true, ca: fs.readFileSync(settings.ca), servername: 'localhost' });
}
const session = smpp.connect(options, () => tell('connected'));

session.on('close', () => tell('closed'));
session.on('error', (error) => tell('error', { text: String(error) }));
session.on('enquire_link', (pdu) => {
  session.send(pdu.response());
  tell('enquired');
});
session.on('unbind', (pdu) => {
  session.send(pdu.response(), () => session.close());
  tell('asked_to_unbind');
});
session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  tell('delivered', Object.assign(said(pdu), {
    receipted_message_id: pdu.receipted_message_id,
    message_state: pdu.message_state,
  }));
});

function message(order) {
  const content = order.udh
    ? { udh: Buffer.from(order.udh, 'hex'), message: order.text }
    : order.text;
  const fields = {
    source_addr: order.from,
    destination_addr: order.to,
    registered_delivery: order.registered,
  };
  if (order.coding !== null) fields.data_coding = order.coding;
  if (order.payload) fields.message_payload = content;
  else fields.short_message = content;
  if (order.sar) {
    [fields.sar_msg_ref_num, fields.sar_total_segments, fields.sar_segment_seqnum] = order.sar;
  }
  return fields;
}

obey({
  bind(order) {
    const fields = { system_id: order.system_id, password: order.password };
    session[BINDS[order.mode]](fields, (pdu) => tell('bound', {
      status: pdu.command_status,
      system_id: pdu.system_id,
      sc_interface_version: pdu.sc_interface_version,
    }));
  },
  submit(order) {
    session.submit_sm(message(order), (pdu) => tell('submitted', {
      tag: order.tag, status: pdu.command_status, message_id: pdu.message_id,
    }));
  },
  enquire() {
    session.enquire_link((pdu) => tell('enquire_answered', { status: pdu.command_status }));
  },
  unbind() {
    session.unbind((pdu) => {
      tell('unbound', { status: pdu.command_status });
      session.close();
    });
  },
});
