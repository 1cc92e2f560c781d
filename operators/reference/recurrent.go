package reference

// recurrent holds RNN, GRU, LSTM.
var recurrent = family{}
