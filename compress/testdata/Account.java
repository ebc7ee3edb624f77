package bank;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** An account with its history. */
public class Account {
    private final String owner;
    private final List<Movement> movements = new ArrayList<>();
    private BigDecimal balance = BigDecimal.ZERO;
    private boolean frozen;

    public Account(String owner) {
        this.owner = owner;
    }

    /** Adds money. */
    public void deposit(BigDecimal amount) {
        requirePositive(amount);
        balance = balance.add(amount);
        movements.add(new Movement(Instant.now(), amount, "deposit"));
    }

    /**
     * Takes money out.
     *
     * @throws IllegalStateException if the account is frozen or overdrawn
     */
    public void withdraw(BigDecimal amount) {
        requirePositive(amount);
        if (frozen) {
            throw new IllegalStateException("account of " + owner + " is frozen");
        }
        if (balance.compareTo(amount) < 0) {
            throw new IllegalStateException("not enough money");
        }
        balance = balance.subtract(amount);
        movements.add(new Movement(Instant.now(), amount.negate(), "withdrawal"));
    }

    public void transfer(Account other, BigDecimal amount) {
        withdraw(amount);
        try {
            other.deposit(amount);
        } catch (IllegalArgumentException e) {
            // The money must not get lost on the way.
            deposit(amount);
            throw e;
        }
    }

    public void freeze() {
        frozen = true;
    }

    private static void requirePositive(BigDecimal amount) {
        if (amount.signum() <= 0) {
            throw new IllegalArgumentException("amount must be positive");
        }
    }

    record Movement(Instant when, BigDecimal amount, String kind) {
    }
}
