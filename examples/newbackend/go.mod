module example.com/newbackend

go 1.26

require example.com/midplane v0.0.0

replace example.com/midplane => ../..
