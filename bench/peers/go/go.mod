module rondo-peers

go 1.19
