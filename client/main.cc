#include "client/cli.h"

int main(int argc, char** argv) { return txtchat::client::RunCli(argc, argv); }
