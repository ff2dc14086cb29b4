#include "base/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/interrupt.h"

namespace hone {
namespace {

// What posix_spawn is told, released with it.
struct Spawn {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  Spawn() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~Spawn() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
};

pid_t start(const std::vector<std::string>& arguments, const std::filesystem::path& input,
            const std::filesystem::path& output) {
  HONE_CHECK(!arguments.empty());
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  Spawn spawn;
  posix_spawn_file_actions_addopen(&spawn.files, STDIN_FILENO, input.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&spawn.files, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0600);
  posix_spawn_file_actions_addopen(&spawn.files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_setflags(&spawn.attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&spawn.attributes, 0);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], &spawn.files, &spawn.attributes, argv.data(), environ);
  if (error != 0)
    fail(ErrorCode::kInvalidArgument, "program: {}: cannot be started: {}", arguments[0],
         std::strerror(error));
  return pid;
}

// The whole group goes before its leader's number is free for others.
int end_group(pid_t pid) {
  ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool has_ended(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid;
}

}  // namespace

std::string this_program() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

void check_program(const std::string& name, const std::string& where) {
  const auto runs = [](const std::string& path) {
    return ::access(path.c_str(), X_OK) == 0 && !std::filesystem::is_directory(path);
  };
  bool found = name.find('/') != std::string::npos && runs(name);
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/bin:/usr/bin" : path);
  for (std::string folder;
       !found && name.find('/') == std::string::npos && std::getline(folders, folder, ':');)
    found = runs((std::filesystem::path(folder.empty() ? "." : folder) / name).string());
  if (!found)
    fail(ErrorCode::kInvalidArgument, "{}: got {}, expected a program: a path, or a name found in PATH",
         where, name);
}

ProgramEnd run_program(const std::vector<std::string>& arguments, const std::filesystem::path& input,
                       double seconds, const std::filesystem::path& output) {
  using Clock = std::chrono::steady_clock;
  const pid_t pid = start(arguments, input, output);
  const auto limit =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  auto pause = std::chrono::microseconds(200);
  while (!has_ended(pid)) {
    if (interrupted()) {
      end_group(pid);
      throw_if_interrupted("program");
    }
    if (Clock::now() >= limit) return {.timed_out = true, .exit_code = end_group(pid)};
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(20000));
  }
  return {.timed_out = false, .exit_code = end_group(pid)};
}

}  // namespace hone
