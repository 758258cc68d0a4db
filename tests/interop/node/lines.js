// JSON lines: orders in, events out. The process ends when its standard input does.
'use strict';

const readline = require('readline');

function tell(event, fields) {
  process.stdout.write(JSON.stringify(Object.assign({ event }, fields)) + '\n');
}

function obey(orders) {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const order = JSON.parse(line);
    orders[order.do](order);
  });
  lines.on('close', () => process.exit(0));
}

// What a message says, whichever field carries it, as the library decoded it.
function said(pdu) {
  const payload = pdu.message_payload;
  const field = payload !== undefined ? payload : pdu.short_message;
  const message = field && field.message !== undefined ? field.message : field;
  // The library gives the elements without the length octet before them.
  const elements = field && field.udh ? Buffer.concat(field.udh) : undefined;
  const udh = elements && Buffer.concat([Buffer.from([elements.length]), elements]);
  return {
    source_addr: pdu.source_addr,
    destination_addr: pdu.destination_addr,
    esm_class: pdu.esm_class,
    data_coding: pdu.data_coding,
    registered_delivery: pdu.registered_delivery,
    text: Buffer.isBuffer(message) ? message.toString('latin1') : message,
    udh: udh && udh.toString('hex'),
    in_payload: payload !== undefined,
    sar: pdu.sar_msg_ref_num === undefined ? null
      : [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum],
    user_message_reference: pdu.user_message_reference,
  };
}

module.exports = { tell, obey, said };
