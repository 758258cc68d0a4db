"""What a message says: characters, user data headers and the parts of long messages. Pure.

Which file to open:

===========  =======================================================================================
`profile`    what an account means by its octets, and how a provider wants them
`payload`    what a submit_sm says, read once: alphabet, class, header, part and octets
`convert`    the same as the parts that a provider takes; nothing to do where both agree

`alphabets`  octets to characters and back, by the alphabet's name
`gsm0338`    the 7-bit alphabet of SMS
`lengths`    how much one SMS holds, and where a longer text may be cut

`udh`        the user data header before a text
`sar`        parts of a long message told by TLVs
`segments`   which part of which long message a submit_sm is

`times`      validity_period and schedule_delivery_time
`zones`      time zones by name
`words`      the first word of a message, for routes that ask for a keyword
===========  =======================================================================================
"""
