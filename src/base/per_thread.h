// A thread_local that can fail: glibc ends the program ("failed to register TLS destructor") where it finds
// no memory to note that a thread_local has a destructor.
#pragma once

#include <pthread.h>

#include <memory>
#include <new>

namespace hone {

// This thread's T, made when it first asks and destroyed when the thread ends; the main thread's stays. One
// for each type: a type of its own for every use. Throws std::bad_alloc.
template <typename T>
T& per_thread() {
  struct Key {
    pthread_key_t id;
    Key() {
      if (pthread_key_create(&id, [](void* mine) { delete static_cast<T*>(mine); }) != 0)
        throw std::bad_alloc();
    }
  };
  static const Key key;
  thread_local T* mine = nullptr;
  if (mine == nullptr) {
    auto made = std::make_unique<T>();
    if (pthread_setspecific(key.id, made.get()) != 0) throw std::bad_alloc();
    mine = made.release();
  }
  return *mine;
}

}  // namespace hone
