#!/usr/bin/perl

# Net::SMPP as a provider. One argument, JSON; the settings are those of node/provider.js, less
# TLS; a refusal has a body, with an empty message_id.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IO::Select;
use JSON::PP;
use Net::SMPP;
use POSIX qw(strftime);
use Lines;

my %settings = (
    first => 1, width => 0, base => 10, receipt => 'after', receipt_base => 10, receipt_width => 0,
    tlvs => 1, copies => 1, answer_after => 0, status => 0,
    port => 0, %{ decode_json($ARGV[0]) },
);
my $number = $settings{first};
my $select = IO::Select->new;
my @receivers;
my %waiting;

my $listener = Net::SMPP->new_listen('127.0.0.1', port => $settings{port}, async => 1,
    smpp_version => 0x34)
  or die "cannot listen: $!";
$select->add($listener);
tell_event('listening', port => 0 + $listener->sockport);

sub written {
    my ($id, $base, $width) = @_;
    my $digits = $base == 16 ? sprintf('%X', $id) : "$id";
    return ('0' x ($width - length $digits)) . $digits if length $digits < $width;
    return $digits;
}

sub send_receipt {
    my ($order) = @_;
    my $session = $receivers[-1];
    my $now = strftime('%y%m%d%H%M', gmtime);
    my $id = written($order->{number}, $settings{receipt_base}, $settings{receipt_width});
    my $stat = $order->{stat} || 'DELIVRD';
    my @fields = (
        esm_class => 4, source_addr => $order->{to}, destination_addr => $order->{from},
        short_message => "id:$id sub:001 dlvrd:001 submit date:$now done date:$now "
          . "stat:$stat err:000 text:",
    );
    push @fields, receipted_message_id => "$id\0", message_state => pack('C', 2)
      if $settings{tlvs};
    for my $copy (1 .. $settings{copies}) {
        my $seq = $session->deliver_sm(@fields);
        $waiting{"$session/$seq"} =
          sub { tell_event('receipt_answered', number => $order->{number}, status => 0 + shift) };
    }
}

sub submitted {
    my ($session, $pdu) = @_;
    my %order =
      (number => $number++, to => $pdu->{destination_addr}, from => $pdu->{source_addr});
    my $id = written($order{number}, $settings{base}, $settings{width});
    tell_event('submit', said($pdu), number => $order{number}, message_id => $id);
    if ($settings{status}) {
        $session->submit_sm_resp(
            seq => $pdu->seq, status => $settings{status}, message_id => '');
        return;
    }
    my $asked = $pdu->{registered_delivery} & 3;
    send_receipt(\%order) if $asked && $settings{receipt} eq 'early';
    my $delay = $settings{answer_after} / 1000 + ($settings{receipt} eq 'early' ? 0.1 : 0);
    later($delay, sub {
        $session->submit_sm_resp(seq => $pdu->seq, message_id => $id);
        send_receipt(\%order) if $asked && $settings{receipt} eq 'after';
    });
}

sub bound {
    my ($session, $pdu, $command) = @_;
    my $right = $pdu->{system_id} eq $settings{system_id}
      && $pdu->{password} eq $settings{password};
    tell_event('bind',
        command           => $command,
        system_id         => $pdu->{system_id},
        right             => $right ? JSON::PP::true : JSON::PP::false,
        interface_version => 0 + $pdu->{interface_version});
    push @receivers, $session if $right && $command ne 'bind_transmitter';
    my $answer = "${command}_resp";
    $session->$answer(
        seq => $pdu->seq, status => $right ? 0 : 0x0d, system_id => $right ? 'net-smpp' : '');
    lost($session) unless $right;
}

sub lost {
    my ($session) = @_;
    $select->remove($session);
    @receivers = grep { $_ != $session } @receivers;
    $session->close;
    tell_event('closed');
}

my %seen = (
    (map { my $name = $_; $name => sub { bound(@_, $name) } }
          qw(bind_transmitter bind_receiver bind_transceiver)),
    submit_sm    => \&submitted,
    enquire_link => sub { $_[0]->enquire_link_resp(seq => $_[1]->seq) },
    unbind       => sub {
        tell_event('unbind');
        $_[0]->unbind_resp(seq => $_[1]->seq);
        lost($_[0]);
    },
    enquire_link_resp => sub { tell_event('enquire_answered', status => 0 + $_[1]->status) },
    deliver_sm_resp   => sub {
        my ($session, $pdu) = @_;
        my $code = delete $waiting{ "$session/" . $pdu->seq };
        $code->($pdu->status) if $code;
    },
);

my %orders = (
    receipt => \&send_receipt,
    message => sub {
        my ($order) = @_;
        my $session = $receivers[-1];
        my $seq = $session->deliver_sm(
            source_addr   => $order->{from}, destination_addr => $order->{to},
            short_message => $order->{text});
        $waiting{"$session/$seq"} = sub { tell_event('message_answered', status => 0 + shift) };
    },
    enquire => sub { $_->enquire_link for @receivers },
);

serve($select, \%orders, sub {
    my ($handle) = @_;
    if ($handle == $listener) {
        $select->add(scalar $listener->accept);
        return;
    }
    my $pdu = $handle->read_pdu or return lost($handle);
    my $code = $seen{ $pdu->explain_cmd };
    return $code->($handle, $pdu) if $code;
    tell_event('error', text => 'unexpected ' . $pdu->explain_cmd);
});
